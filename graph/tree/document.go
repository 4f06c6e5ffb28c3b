package tree

import "fmt"

// Document is one document of a text: a tree, or the reason why there is none.
type Document struct {
	// Line is the line on which the document begins, counted from 1.
	Line int
	// Doc is nil if Err is set or the document is empty.
	Doc *Doc
	// Err is set if the document could not be read.
	Err *SyntaxError
	// Duplicates are keys that occur twice in one map; the last one counts.
	Duplicates []Duplicate
}

// SyntaxError is why a document could not be read, and where. Line and Column
// count from 1; zero means that they are not known.
type SyntaxError struct {
	Line, Column int
	Message      string
}

// Error implements error.
func (e *SyntaxError) Error() string {
	if e.Line == 0 {
		return e.Message
	}
	return fmt.Sprintf("line %d: %s", e.Line, e.Message)
}

// Duplicate is a key that stands twice in one map.
type Duplicate struct {
	Key          string
	Line, Column int
	// First is the line of the key's first occurrence.
	First int
}
