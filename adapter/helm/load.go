package helm

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"sort"
	"strings"

	"helm.sh/helm/v4/pkg/chart/common"
	"helm.sh/helm/v4/pkg/chart/loader/archive"
	chart "helm.sh/helm/v4/pkg/chart/v2"
	"helm.sh/helm/v4/pkg/chart/v2/loader"
	"helm.sh/helm/v4/pkg/ignore"

	"github.com/autoecoops/autoecoops/assess"
	"github.com/autoecoops/autoecoops/ops"
)

// Bounds on a chart folder.
const (
	maxChartBytes  = 100 << 20 // as Helm's own bound, but over archives within archives too
	maxChartFiles  = 20_000
	maxFolderDepth = 40
)

// origin says where a file of a chart lies.
type origin struct {
	// file is the path in the given fs.FS: of the file, or of the archive
	// that holds it.
	file string
	// archived is true when the file was unpacked from an archive, where
	// nobody can edit it.
	archived bool
}

// sources are the files of one chart folder, archives unpacked.
type sources struct {
	fs       fs.FS
	root     string
	files    []*archive.BufferedFile
	origins  map[*byte]origin // by the first byte of the content
	visited  map[string]bool  // paths in fs that were read
	metadata *chart.Metadata
}

// reader gathers the files of a chart folder.
type reader struct {
	*sources
	rules  *ignore.Rules
	budget int64
	links  int
}

// load reads the chart folder root. It returns nil and what is wrong if there
// is no chart to be had.
func load(files fs.FS, root string) (*sources, []assess.Problem) {
	s := &sources{fs: files, root: root, origins: map[*byte]origin{}, visited: map[string]bool{}}
	r := &reader{sources: s, rules: ignore.Empty(), budget: maxChartBytes}
	if err := r.ignoreFile(); err != nil {
		return nil, []assess.Problem{problemAt(path.Join(root, ignore.HelmIgnore), 0, 0, err.Error())}
	}
	if err := r.folder("", 0); err != nil {
		return nil, []assess.Problem{problemAt(root, 0, 0, "the chart folder cannot be read: "+err.Error())}
	}
	c, problem := s.chart()
	if problem != nil {
		return nil, []assess.Problem{*problem}
	}
	s.metadata = c.Metadata
	return s, nil
}

func (s *sources) library() bool { return strings.EqualFold(s.metadata.Type, "library") }

// read lists what was read, sorted.
func (s *sources) read(more ...string) []string {
	var out []string
	for f := range s.visited {
		out = append(out, f)
	}
	out = append(out, more...)
	sort.Strings(out)
	return slices.Compact(out)
}

// at returns the path in the given fs.FS of a path in the chart's folder.
func (s *sources) at(name string) string { return path.Join(s.root, name) }

func (r *reader) ignoreFile() error {
	data, err := fs.ReadFile(r.fs, r.at(ignore.HelmIgnore))
	if err == nil {
		rules, err := ignore.Parse(bytes.NewReader(data))
		if err != nil {
			return fmt.Errorf("unreadable ignore file: %w", err)
		}
		r.rules = rules
		r.visited[r.at(ignore.HelmIgnore)] = true
	} else if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	r.rules.AddDefaults()
	return nil
}

// folder reads the folder name (relative to the chart's) in lexical order.
func (r *reader) folder(name string, depth int) error {
	if depth > maxFolderDepth {
		return fmt.Errorf("%s: folders are nested more than %d deep (a link to a parent?)", r.at(name), maxFolderDepth)
	}
	entries, err := fs.ReadDir(r.fs, r.at(name))
	if err != nil {
		return err
	}
	for _, e := range entries {
		if err := r.entry(path.Join(name, e.Name()), e, depth); err != nil {
			return err
		}
	}
	return nil
}

func (r *reader) entry(name string, e fs.DirEntry, depth int) error {
	info, err := e.Info()
	if err != nil {
		return err
	}
	if e.Type()&fs.ModeSymlink != 0 {
		if info, err = r.link(name); err != nil {
			if r.rules.Ignore(name, linkInfo{}) {
				return nil
			}
			return err
		}
		if info.IsDir() {
			if r.links++; r.links > maxFolderDepth {
				return fmt.Errorf("%s: too many linked folders", r.at(name))
			}
		}
	}
	if r.rules.Ignore(name, info) {
		return nil
	}
	if info.IsDir() {
		return r.folder(name, depth+1)
	}
	if !info.Mode().IsRegular() {
		return fmt.Errorf("%s is neither a file nor a folder", r.at(name))
	}
	if r.budget -= info.Size(); r.budget < 0 {
		return fmt.Errorf("the chart holds more than %d MiB; list what is not part of it in .helmignore", maxChartBytes>>20)
	}
	if len(r.files) >= maxChartFiles {
		return fmt.Errorf("the chart holds more than %d files; list what is not part of it in .helmignore", maxChartFiles)
	}
	data, err := fs.ReadFile(r.fs, r.at(name))
	if err != nil {
		return err
	}
	r.visited[r.at(name)] = true
	return r.add(name, data, origin{file: r.at(name)})
}

// linkInfo stands for a link whose target cannot be had, for ignore rules.
type linkInfo struct{ fs.FileInfo }

// IsDir implements fs.FileInfo.
func (linkInfo) IsDir() bool { return false }

// link follows a symbolic link that stays within the given fs.FS.
func (r *reader) link(name string) (fs.FileInfo, error) {
	if target, err := fs.ReadLink(r.fs, r.at(name)); err == nil {
		if path.IsAbs(target) || !fs.ValidPath(path.Join(path.Dir(r.at(name)), target)) {
			return nil, fmt.Errorf("%s is a link that leaves the tree (to %s); it is not followed", r.at(name), target)
		}
	}
	info, err := fs.Stat(r.fs, r.at(name))
	if err != nil {
		return nil, fmt.Errorf("%s is a link that cannot be followed: %w", r.at(name), err)
	}
	return info, nil
}

// add adds one file; an archive of a subchart is unpacked in its place, as a
// folder, because that is how one budget can hold for all of them and how
// every file keeps an identity.
func (r *reader) add(name string, data []byte, from origin) error {
	data = bytes.TrimPrefix(data, []byte{0xEF, 0xBB, 0xBF})
	if len(data) > 0 {
		r.origins[&data[0]] = from
	}
	if !isSubchartArchive(name) {
		r.files = append(r.files, &archive.BufferedFile{Name: name, Data: data})
		return nil
	}
	if err := r.fits(data); err != nil {
		return fmt.Errorf("%s: %w", from.file, err)
	}
	inner, err := archive.LoadArchiveFiles(bytes.NewReader(data))
	if err != nil {
		return fmt.Errorf("%s: %w", from.file, err)
	}
	from.archived = true
	for _, f := range inner {
		if err := r.add(path.Join(name+"~", f.Name), f.Data, from); err != nil {
			return err
		}
	}
	return nil
}

// isSubchartArchive reports whether name is an archive directly in the charts
// folder of the chart or of a subchart.
func isSubchartArchive(name string) bool {
	rest := name
	for {
		after, ok := strings.CutPrefix(rest, "charts/")
		if !ok {
			return false
		}
		_, inner, deeper := strings.Cut(after, "/")
		if !deeper {
			return path.Ext(after) == ".tgz" && strings.IndexAny(after, "_.") != 0
		}
		rest = inner
	}
}

// fits charges an archive's unpacked size to the budget before it is unpacked.
func (r *reader) fits(data []byte) error {
	n, err := unpackedSize(data, r.budget)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
		return err
	}
	if r.budget -= n; r.budget <= 0 {
		return fmt.Errorf("the chart with its archives unpacks to more than %d MiB", maxChartBytes>>20)
	}
	return nil
}

// chart makes a fresh chart of the files: Helm's dependency handling changes
// the one that it is given, so that every rendering needs its own.
func (s *sources) chart() (c *chart.Chart, problem *assess.Problem) {
	defer func() {
		if p := recover(); p != nil {
			problem = &assess.Problem{Position: ops.Position{File: s.at("Chart.yaml")}, Reason: fmt.Sprintf("Helm cannot load this chart: %v", p)}
		}
	}()
	c, err := loader.LoadFiles(s.files)
	if err != nil {
		p := s.loadProblem(err)
		return nil, &p
	}
	sortDependencies(c)
	return c, nil
}

// sortDependencies makes the order independent of Helm's map iteration.
func sortDependencies(c *chart.Chart) {
	deps := slices.Clone(c.Dependencies())
	slices.SortStableFunc(deps, func(a, b *chart.Chart) int {
		return strings.Compare(a.Name()+"\x00"+a.Metadata.Version, b.Name()+"\x00"+b.Metadata.Version)
	})
	c.SetDependencies(deps...)
	for _, d := range deps {
		sortDependencies(d)
	}
}

// originOf returns where a file of a loaded chart lies; ok is false for an
// empty file, which cannot be told apart and has no lines either.
func (s *sources) originOf(f *common.File) (o origin, ok bool) {
	if f == nil || len(f.Data) == 0 {
		return origin{}, false
	}
	o, ok = s.origins[&f.Data[0]]
	return o, ok
}

// rawFile finds a chart's own file by its name in the chart.
func rawFile(c *chart.Chart, name string) *common.File {
	for _, f := range c.Raw {
		if f.Name == name {
			return f
		}
	}
	return nil
}
