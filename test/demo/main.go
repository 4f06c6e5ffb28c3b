// Command demo tells the story of a change on a real cluster on this machine:
// how it is synced, kept, refused, released, rolled back and proven (`make demo`), or
// how what it did wrong is seen, explained and traced back to it (`make
// demo-observe`). `demo record` has many shops suffer faults, and keeps what was seen of
// them, to be replayed. What it starts stays until `make demo-down`.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintf(os.Stderr, "\nerror: %v\n", err)
		os.Exit(2)
	}
}

func run(ctx context.Context, args []string) error {
	command := "up"
	if len(args) > 0 {
		command = args[0]
	}
	switch command {
	case "up":
		return deliverStory(ctx)
	case "observe":
		return observeStory(ctx)
	case "record":
		return record(ctx, args[1:])
	case "down":
		return down(ctx)
	case "git-server":
		if len(args) != 3 {
			return errors.New("usage: demo git-server FOLDER ADDRESS")
		}
		return serveGit(ctx, args[1], args[2])
	case "visit":
		if len(args) != 2 {
			return errors.New("usage: demo visit ADDRESS")
		}
		return visit(ctx, args[1])
	}
	return fmt.Errorf("unknown command %q: use up, observe or down", command)
}
