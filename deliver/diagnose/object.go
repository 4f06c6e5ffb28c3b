package diagnose

// object is a map with short ways to read it; all are safe on nil and on values
// of another type than expected.
type object map[string]any

func sub(m map[string]any, path ...string) object {
	for _, p := range path {
		m, _ = m[p].(map[string]any)
	}
	return m
}

func (o object) text(key string) string {
	s, _ := o[key].(string)
	return s
}

func (o object) count(key string) int64 {
	switch v := o[key].(type) {
	case int64:
		return v
	case float64:
		return int64(v)
	}
	return 0
}

func (o object) flag(key string) bool {
	b, _ := o[key].(bool)
	return b
}

func (o object) maps(key string) (out []object) {
	list, _ := o[key].([]any)
	for _, it := range list {
		if m, ok := it.(map[string]any); ok {
			out = append(out, m)
		}
	}
	return out
}

func name(m map[string]any) string { return sub(m, "metadata").text("name") }
