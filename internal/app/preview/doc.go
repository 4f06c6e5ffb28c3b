// Package preview shows what the operator would do with a revision before it is
// one: it renders it with the operator's own renderer, has the API server try
// each object, and compares. Nothing is changed.
//
// Everything is read with the rights of who asks. What those rights, or a
// missing key, leave open is unknown and said so; it never counts as unchanged.
package preview
