package main

import (
	"fmt"
	"os"
	"path/filepath"
)

// absolute returns the whole path of a file that exists: the keeper, which
// opens it, works elsewhere.
func absolute(path string) (string, error) {
	whole, err := filepath.Abs(path)
	if err == nil {
		_, err = os.Stat(whole)
	}
	if err != nil {
		return "", fmt.Errorf("find the archive: %w", err)
	}
	return whole, nil
}
