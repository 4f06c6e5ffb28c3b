// Command gendocs writes docs/checks from the catalogue. Run it from the top
// of the repository: make generate.
package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/autoecoops/autoecoops/assess/catalogue"
)

func main() {
	if err := run(filepath.Join("docs", "checks")); err != nil {
		fmt.Fprintln(os.Stderr, "gendocs:", err)
		os.Exit(1)
	}
}

func run(dir string) error {
	pages, err := catalogue.Reference()
	if err != nil {
		return err
	}
	if err := os.RemoveAll(dir); err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for name, text := range pages {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			return err
		}
	}
	return nil
}
