// Package diff tells the difference of two objects, for people and machines.
//
// Compare matches the items of lists by the keys that Kubernetes merges them by
// (containers by name, ports by number and protocol), so that one inserted
// container is one change. Fields that the API server keeps for itself are left
// out. Numbers are equal if they are the same number, and quantities in the
// places where the well-known types have them (resources, limits, capacity) if
// they are the same amount; anything else that means the same in two spellings
// is the API server's business: compare what it answers to a dry run.
//
// Invariants:
//
//   - Compare(a, a) is empty, and Apply(from, Compare(from, to)) is to, but for
//     the fields left out.
//   - What is secret (the data of Secrets, what the caller names) is in no
//     change, whole or in part, nor its length or hash: it reads Hidden.
//   - Output for terminals holds no control characters of the objects.
//
// Objects are decoded JSON: map[string]any, []any, string, bool, numbers, nil.
package diff
