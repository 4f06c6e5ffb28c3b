package observed

import (
	"strings"
	"time"
)

// field walks down an object; nil if there is nothing.
func field(body map[string]any, path ...string) any {
	var v any = body
	for _, p := range path {
		m, ok := v.(map[string]any)
		if !ok {
			return nil
		}
		v = m[p]
	}
	return v
}

func text(body map[string]any, path ...string) string {
	s, _ := field(body, path...).(string)
	return s
}

func truth(body map[string]any, path ...string) bool {
	b, _ := field(body, path...).(bool)
	return b
}

func number(body map[string]any, path ...string) int64 {
	switch n := field(body, path...).(type) {
	case int64:
		return n
	case float64:
		return int64(n)
	}
	return 0
}

func moment(body map[string]any, path ...string) time.Time {
	at, err := time.Parse(time.RFC3339, text(body, path...))
	if err != nil {
		return time.Time{}
	}
	return at
}

func texts(body map[string]any, path ...string) (out []string) {
	list, _ := field(body, path...).([]any)
	for _, v := range list {
		if s, ok := v.(string); ok {
			out = append(out, s)
		}
	}
	return out
}

func maps(body map[string]any, path ...string) (out []map[string]any) {
	list, _ := field(body, path...).([]any)
	for _, v := range list {
		if m, ok := v.(map[string]any); ok {
			out = append(out, m)
		}
	}
	return out
}

// condition returns a condition by its type, nil if there is none.
func condition(body map[string]any, typ string) map[string]any {
	for _, c := range maps(body, "status", "conditions") {
		if text(c, "type") == typ {
			return c
		}
	}
	return nil
}

// word makes a reason that a condition may have of what another tool wrote.
func word(s string) string {
	s = strings.Map(func(r rune) rune {
		if r|0x20 >= 'a' && r|0x20 <= 'z' || r >= '0' && r <= '9' || r == '_' {
			return r
		}
		return -1
	}, s)
	if s == "" || s[0] >= '0' && s[0] <= '9' || s[0] == '_' {
		return "Unknown"
	}
	return strings.TrimRight(s[:min(len(s), 256)], "_")
}

func clip(s string) string {
	s = strings.ToValidUTF8(strings.TrimSpace(s), "�")
	if len(s) > 500 {
		return strings.ToValidUTF8(s[:500], "") + "…"
	}
	return s
}
