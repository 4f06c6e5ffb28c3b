package check

import (
	"fmt"
	"io/fs"
	"strings"

	"golang.org/x/tools/txtar"

	"github.com/autoecoops/autoecoops/ops"
)

// Sample is one small repository with the verdict that it must get.
type Sample struct {
	// Want is fail, pass or unknown.
	Want ops.Status
	Name string
	// Files are the sample's manifests.
	Files []SampleFile
}

// SampleFile is one file of a sample. A line that ends in "# want" is where a
// result is expected.
type SampleFile struct {
	Name string
	Text []byte
}

// Samples reads the check's samples: a txtar archive whose files are called
// fail/NAME.yaml, pass/NAME.yaml or unknown/NAME.yaml for a sample of one file,
// fail/NAME/FILE.yaml for a sample of several.
func (c *Check) Samples() ([]Sample, error) {
	b, err := fs.ReadFile(c.Pages, c.Name+".txtar")
	if err != nil {
		return nil, fmt.Errorf("read samples of %s: %w", c.ID, err)
	}
	var samples []Sample
	index := map[string]int{}
	for _, f := range txtar.Parse(b).Files {
		want, name, ok := strings.Cut(f.Name, "/")
		if !ok {
			return nil, fmt.Errorf("samples of %s: file %q is in none of fail/, pass/, unknown/", c.ID, f.Name)
		}
		if dir, _, several := strings.Cut(name, "/"); several {
			name = dir
		}
		id := want + "/" + name
		i, ok := index[id]
		if !ok {
			i = len(samples)
			index[id] = i
			samples = append(samples, Sample{Want: ops.Status(want), Name: strings.TrimSuffix(name, ".yaml")})
		}
		samples[i].Files = append(samples[i].Files, SampleFile{Name: f.Name, Text: f.Data})
	}
	return samples, nil
}
