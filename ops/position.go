package ops

import "strconv"

// Position is a place in a file that a person can open. Lines and columns
// count from 1; zero means that it is not known.
type Position struct {
	File    string `json:"file"`
	Line    int    `json:"line"`
	Column  int    `json:"column"`
	EndLine int    `json:"endLine"`
}

// String returns "file:line:column", leaving out what is not known.
func (p Position) String() string {
	s := p.File
	if p.Line > 0 {
		s += ":" + strconv.Itoa(p.Line)
		if p.Column > 0 {
			s += ":" + strconv.Itoa(p.Column)
		}
	}
	return s
}

// Compare orders positions by file, line and column.
func (p Position) Compare(q Position) int {
	switch {
	case p.File != q.File:
		return order(p.File < q.File)
	case p.Line != q.Line:
		return order(p.Line < q.Line)
	case p.Column != q.Column:
		return order(p.Column < q.Column)
	}
	return 0
}

func order(less bool) int {
	if less {
		return -1
	}
	return 1
}
