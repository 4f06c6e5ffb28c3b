//go:build race

package bubble

// raced says that the race detector watches.
const raced = true
