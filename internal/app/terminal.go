package app

import (
	"os"

	"golang.org/x/term"
)

func isTerminal(f *os.File) bool { return term.IsTerminal(int(f.Fd())) }

// isSmart tells a terminal on which a line can be written again, as progress needs it.
func isSmart(f *os.File) bool { return isTerminal(f) && os.Getenv("TERM") != "dumb" }

// width returns the terminal's width in columns, 0 if f is none.
func width(f *os.File) int {
	w, _, err := term.GetSize(int(f.Fd()))
	if err != nil {
		return 0
	}
	return w
}
