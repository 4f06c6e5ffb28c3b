package metrics

import (
	"context"
	"fmt"
	"log/slog"
)

// calm makes what a library tells of its ordinary work a matter of debugging. Warnings
// and errors stay what they are, and what they are about is named: as JSON its values
// would be empty.
type calm struct{ slog.Handler }

// Enabled implements slog.Handler.
func (c calm) Enabled(ctx context.Context, l slog.Level) bool {
	return c.Handler.Enabled(ctx, lower(l))
}

// Handle implements slog.Handler.
func (c calm) Handle(ctx context.Context, r slog.Record) error {
	named := slog.NewRecord(r.Time, lower(r.Level), r.Message, r.PC)
	r.Attrs(func(a slog.Attr) bool {
		named.AddAttrs(name(a))
		return true
	})
	return c.Handler.Handle(ctx, named)
}

// WithAttrs implements slog.Handler.
func (c calm) WithAttrs(all []slog.Attr) slog.Handler {
	named := make([]slog.Attr, len(all))
	for i, a := range all {
		named[i] = name(a)
	}
	return calm{c.Handler.WithAttrs(named)}
}

// name writes a value of a type of its own as it writes itself.
func name(a slog.Attr) slog.Attr {
	if s, ok := a.Value.Any().(fmt.Stringer); ok && a.Value.Kind() == slog.KindAny {
		a.Value = slog.StringValue(s.String())
	}
	return a
}

// WithGroup implements slog.Handler.
func (c calm) WithGroup(name string) slog.Handler { return calm{c.Handler.WithGroup(name)} }

func lower(l slog.Level) slog.Level {
	if l < slog.LevelWarn {
		return slog.LevelDebug
	}
	return l
}
