package main

import (
	"encoding/csv"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/autoecoops/autoecoops/observe/logs"
)

// corpus is a log with the true template of each line.
type corpus struct {
	name    string
	content []string
	truth   []string
}

const suffix = "_2k.log_structured_corrected.csv"

// load reads the corpora of a folder and its sub-folders.
func load(folder string) ([]corpus, error) {
	var all []corpus
	err := filepath.WalkDir(folder, func(p string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(p, suffix) {
			return err
		}
		c, err := read(p)
		if err != nil {
			return fmt.Errorf("%s: %w", p, err)
		}
		all = append(all, c)
		return nil
	})
	slices.SortFunc(all, func(a, b corpus) int { return strings.Compare(a.name, b.name) })
	return all, err
}

func read(file string) (corpus, error) {
	f, err := os.Open(file)
	if err != nil {
		return corpus{}, err
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		return corpus{}, err
	}
	content, truth := -1, -1
	for i, column := range rows[0] {
		switch strings.TrimPrefix(column, "\ufeff") {
		case "Content":
			content = i
		case "EventTemplate":
			truth = i
		}
	}
	if content < 0 || truth < 0 || len(rows) < 2 {
		return corpus{}, fmt.Errorf("there are no columns Content and EventTemplate with lines")
	}
	c := corpus{name: strings.TrimSuffix(filepath.Base(file), suffix)}
	for _, r := range rows[1:] {
		c.content = append(c.content, r[content])
		c.truth = append(c.truth, r[truth])
	}
	return c, nil
}

// mine gives the lines of a corpus to a new miner and returns the group and the
// template of each, as they are after the last line.
func mine(c corpus, set logs.Settings) (group, text []string, err error) {
	m, err := logs.New(set)
	if err != nil {
		return nil, nil, err
	}
	ids := make([]logs.ID, len(c.content))
	for i, line := range c.content {
		ids[i] = m.Add([]byte(line), int64(i)).ID
	}
	for i, id := range ids {
		t, ok := m.Template(id)
		if !ok && id != 0 {
			return nil, nil, fmt.Errorf("%s: the template %s of line %d is lost", c.name, id, i+1)
		}
		group = append(group, t.ID.String())
		text = append(text, t.Text)
	}
	return group, text, nil
}
