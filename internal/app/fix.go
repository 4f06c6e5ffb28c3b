package app

import (
	"context"
	"os"

	"github.com/autoecoops/autoecoops/fault"
	"github.com/autoecoops/autoecoops/internal/cli"
)

func exists(name string) bool {
	_, err := os.Lstat(name)
	return err == nil
}

// Fix implements cli.Backend.
func (b backend) Fix(ctx context.Context, req cli.FixRequest) (*cli.FixOutcome, error) {
	return nil, fault.New(fault.Invalid, "fix", req.Path, "", "")
}
