package main

import (
	"fmt"
	"io"
	"slices"
)

// explain prints the true templates that were not found, the most frequent
// first, with what was found instead.
func explain(w io.Writer, group, text, truth []string) {
	groups, truths := members(group), members(truth)
	names := make([]string, 0, len(truths))
	for t := range truths {
		names = append(names, t)
	}
	slices.SortFunc(names, func(a, b string) int {
		if d := len(truths[b]) - len(truths[a]); d != 0 {
			return d
		}
		return truths[a][0] - truths[b][0]
	})
	for _, t := range names {
		lines := truths[t]
		var found []string
		for _, i := range lines {
			if !slices.Contains(found, group[i]) {
				found = append(found, group[i])
			}
		}
		whole := len(found) == 1 && len(groups[found[0]]) == len(lines)
		if whole && text[lines[0]] == t {
			continue
		}
		fmt.Fprintf(w, "%5d  %s\n", len(lines), t)
		for _, id := range found[:min(len(found), 5)] {
			fmt.Fprintf(w, "    %5d  %s\n", len(groups[id]), text[groups[id][0]])
		}
	}
}
