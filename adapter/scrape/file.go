package scrape

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/discovery/targetgroup"
	"go.yaml.in/yaml/v3"

	"github.com/autoecoops/autoecoops/fault"
)

// maxFile is how large a file of targets may be, in bytes.
const maxFile = 4 << 20

// reread is how often the file is looked at.
const reread = 5 * time.Second

// followFile hands the targets of the file over whenever it changes. While it cannot be
// read, the targets of before stay.
func (s *Scraper) followFile(ctx context.Context) {
	var last string
	t := time.NewTicker(reread)
	defer t.Stop()
	for first := true; ; first = false {
		text, err := readFile(s.options.File)
		if first || err != nil || text != last {
			var groups []*targetgroup.Group
			if err == nil {
				last = text
				groups, err = ParseTargets([]byte(text), s.options.File)
			}
			s.mu.Lock()
			news := err != nil && (s.bad == nil || s.bad.Error() != err.Error())
			s.bad = err
			s.mu.Unlock()
			if news {
				s.options.Log.Error("the targets to scrape cannot be read", "file", s.options.File, "error", err.Error())
			}
			if err == nil {
				s.set(poolFile, groups)
			}
		}
		select {
		case <-t.C:
		case <-ctx.Done():
			return
		}
	}
}

func readFile(path string) (string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return "", err
	}
	if !info.Mode().IsRegular() { // to open a pipe waits for who writes to it
		return "", errors.New("it is no regular file")
	}
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err == nil && len(text) > maxFile {
		err = fmt.Errorf("it is larger than %d MiB", maxFile>>20)
	}
	return string(text), err
}

// ParseTargets reads targets in the form of Prometheus' file_sd, YAML or JSON: a list of
// targets, as HOST:PORT, with the labels that they share.
func ParseTargets(text []byte, source string) ([]*targetgroup.Group, error) {
	var list []struct {
		Targets []string          `yaml:"targets"`
		Labels  map[string]string `yaml:"labels"`
	}
	dec := yaml.NewDecoder(strings.NewReader(string(text)))
	dec.KnownFields(true)
	if err := dec.Decode(&list); err != nil && !errors.Is(err, io.EOF) {
		return nil, fault.Wrap(fault.Invalid, "read the targets of", source, err, `write it as [{targets: ["HOST:PORT"], labels: {job: NAME}}]`)
	}
	var out []*targetgroup.Group
	for i, g := range list {
		group := &targetgroup.Group{Source: fmt.Sprintf("%s:%d", source, i), Labels: model.LabelSet{}}
		for name, v := range g.Labels {
			if !model.UTF8Validation.IsValidLabelName(name) || !model.LabelValue(v).IsValid() {
				return nil, fault.New(fault.Invalid, "read the targets of", source, fmt.Sprintf("%q is no name of a label", name), "")
			}
			group.Labels[model.LabelName(name)] = model.LabelValue(v)
		}
		for _, t := range g.Targets {
			host, port, err := net.SplitHostPort(t)
			if n, bad := strconv.Atoi(port); err != nil || host == "" || bad != nil || n < 1 || n > 65535 {
				return nil, fault.New(fault.Invalid, "read the targets of", source, fmt.Sprintf("%.100q is no target", t), "write HOST:PORT; the path is the label __metrics_path__")
			}
			group.Targets = append(group.Targets, model.LabelSet{model.AddressLabel: model.LabelValue(t)})
		}
		out = append(out, group)
	}
	return out, nil
}
