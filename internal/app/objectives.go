package app

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"time"

	"github.com/autoecoops/autoecoops/adapter/openslo"
	"github.com/autoecoops/autoecoops/adapter/yamldoc"
	"github.com/autoecoops/autoecoops/fault"
	"github.com/autoecoops/autoecoops/internal/cli"
)

// maxObjectiveFile bounds a file of objectives: far more than people write.
const maxObjectiveFile = 16 << 20

// Objectives implements cli.Objectives.
func (b backend) Objectives(ctx context.Context, names []string, period time.Duration) (*cli.ObjectiveFiles, error) {
	var files []openslo.File
	for _, name := range names {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		text, err := b.objectiveFile(ctx, name)
		if err != nil {
			return nil, err
		}
		if name == "-" {
			name = "standard input"
		}
		files = append(files, openslo.File{Name: name, Docs: yamldoc.Parse(text)})
	}
	found, problems := openslo.Read(files, openslo.Options{Period: period})
	out := &cli.ObjectiveFiles{}
	for _, f := range found {
		out.Found = append(out.Found, cli.WrittenObjective(f))
	}
	for _, p := range problems {
		out.Problems = append(out.Problems, cli.FileProblem(p))
	}
	return out, nil
}

func (b backend) objectiveFile(ctx context.Context, name string) ([]byte, error) {
	in := b.stdin
	if name == "-" {
		in = heeding(ctx, in)
	}
	if name != "-" {
		info, err := os.Stat(name)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return nil, fault.New(fault.NotFound, "read objectives", name, "there is no such file", "check the path")
		case err != nil:
			return nil, fault.Wrap(fault.Unavailable, "read objectives", name, err, "make it a file that you may read")
		case info.IsDir():
			return nil, fault.New(fault.Invalid, "read objectives", name, "it is a folder", "name its files: "+name+"/*.yaml")
		case !info.Mode().IsRegular():
			return nil, fault.New(fault.Invalid, "read objectives", name, "it is no regular file", "pipe it into -")
		}
		file, err := os.Open(name)
		if err != nil {
			return nil, fault.Wrap(fault.Unavailable, "read objectives", name, err, "make it a file that you may read")
		}
		defer file.Close()
		in = file
	}
	text, err := io.ReadAll(io.LimitReader(in, maxObjectiveFile+1))
	if ctx.Err() != nil {
		return nil, fault.New(fault.Interrupted, "read objectives", "", "it was stopped", "")
	}
	if err != nil {
		return nil, fault.Wrap(fault.Unavailable, "read objectives", name, err, "make it a file that you may read")
	}
	if len(text) > maxObjectiveFile {
		return nil, fault.New(fault.Invalid, "read objectives", name, "it is larger than 16 MiB", "split it")
	}
	return text, nil
}
