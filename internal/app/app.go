// Package app wires adapters and planes together, once for each program. It
// is the only package that imports adapters.
package app

import (
	"context"
	"io"
	"log"
	"log/slog"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"github.com/autoecoops/autoecoops/internal/cli"
)

// version is set by the linker (-X).
var version = "dev"

// Main runs the command line of aeo and returns its exit code.
func Main(args []string) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	streams := &cli.Streams{
		In: os.Stdin, Out: os.Stdout, Err: os.Stderr,
		OutTerminal: isTerminal(os.Stdout), ErrTerminal: isSmart(os.Stderr),
		Width: width(os.Stdout), Getenv: os.Getenv,
	}
	tuneGC()
	quiet()
	return cli.Main(ctx, backend{stdin: os.Stdin}, streams, build(), args)
}

// quiet keeps the libraries that render from writing advice of their own to
// standard error: what matters of it is in the report. Our own messages go
// through the streams.
func quiet() {
	log.SetOutput(io.Discard)
	slog.SetDefault(slog.New(slog.DiscardHandler))
	if null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0); err == nil {
		os.Stderr = null
	}
}

func build() cli.Build {
	b := cli.Build{Version: version, Commit: "unknown"}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" {
				b.Commit = s.Value
			}
		}
	}
	return b
}
