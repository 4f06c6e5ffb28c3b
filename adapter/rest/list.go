package rest

import (
	"bytes"
	"encoding/json"
)

// List reads at most n elements of a list in JSON; null is an empty one. What comes after
// them is not looked at, and so takes no memory: what is a few bytes in an answer can be
// hundreds when it is read.
func List[T any](text []byte, n int) ([]T, error) {
	dec := json.NewDecoder(bytes.NewReader(text))
	switch t, err := dec.Token(); {
	case err != nil:
		return nil, err
	case t == nil:
		return nil, nil
	case t != json.Delim('['):
		return nil, &json.UnmarshalTypeError{Value: "something else", Offset: dec.InputOffset()}
	}
	var all []T
	for len(all) < n && dec.More() {
		var x T
		if err := dec.Decode(&x); err != nil {
			return nil, err
		}
		all = append(all, x)
	}
	return all, nil
}
