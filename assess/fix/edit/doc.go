// Package edit changes one value of a YAML or JSON text and leaves the rest of
// the text as its author wrote it: comments, indentation, the style of lists,
// quotes, line ends, flow or block.
//
// An edit is made on the text, from the positions of the parsed tree, and then
// proven: the result is parsed again and compared with what the edit should
// have done to the tree. Where the two differ, the edit is refused. So a layout
// that this package misreads costs an edit, never a value.
package edit
