package oci

import (
	"archive/tar"
	"bufio"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// Media types and annotations by which an artifact says how it is packed.
const (
	fluxContent = "application/vnd.cncf.flux.content.v1.tar+gzip"
	helmContent = "application/vnd.cncf.helm.chart.content.v1.tar+gzip"
	titleKey    = "org.opencontainers.image.title"
	unpackKey   = "io.deis.oras.content.unpack"
)

// hostile is why an artifact is refused.
type hostile struct{ why string }

func (h hostile) Error() string { return h.why }

// unpacking writes an artifact's files into one pack.
type unpacking struct {
	opts    Options
	out     *bufio.Writer
	offset  int64
	packed  int64 // bytes that were received
	entries int   // of all layers
	// records by path; a later layer replaces what an earlier one has.
	records map[string]record
}

// chosen returns the layers that hold content: one that Flux or Helm pushed
// (beside it there may be a signature), or all.
func chosen(m *v1.Manifest) []v1.Descriptor {
	for _, l := range m.Layers {
		if m := string(l.MediaType); m == fluxContent || m == helmContent {
			return []v1.Descriptor{l}
		}
	}
	return m.Layers
}

// layer adds one layer's content.
func (u *unpacking) layer(d v1.Descriptor, content io.Reader) error {
	left := u.opts.MaxPacked - u.packed
	counted := &counter{r: io.LimitReader(content, left+1)}
	err := u.unpack(d, counted)
	// The digest is checked where the content ends, which may be behind the
	// archive. An archive that breaks off in a content that is whole is
	// damaged; else the connection broke.
	if _, broken := io.Copy(io.Discard, counted); broken != nil {
		err = broken
	} else if errors.Is(err, io.ErrUnexpectedEOF) {
		err = hostile{"its archive is damaged"}
	}
	if u.packed += counted.n; u.packed > u.opts.MaxPacked {
		return hostile{fmt.Sprintf("it is larger than %d MiB", u.opts.MaxPacked>>20)}
	}
	return err
}

func (u *unpacking) unpack(d v1.Descriptor, content io.Reader) error {
	media := string(d.MediaType)
	title := d.Annotations[titleKey]
	archive := strings.Contains(media, "tar") || d.Annotations[unpackKey] == "true" || strings.HasSuffix(title, ".tar.gz") || strings.HasSuffix(title, ".tgz")
	switch {
	case strings.HasSuffix(media, "zstd"):
		return hostile{"it is packed with zstd, which is not supported: push it with gzip"}
	case !archive && title == "":
		return hostile{"a layer of it (" + media + ") is neither an archive nor a file with a name"}
	case !archive:
		p, ok := clean(title)
		if !ok || p == "" {
			return hostile{"a file of it has a name that leads elsewhere"}
		}
		return u.file(map[string]bool{}, p, false, content)
	}
	buffered := bufio.NewReader(content)
	if magic, err := buffered.Peek(2); err == nil && bytes.Equal(magic, []byte{0x1f, 0x8b}) {
		z, err := gzip.NewReader(buffered)
		if err != nil {
			return damaged(err)
		}
		return u.tar(z)
	}
	return u.tar(buffered)
}

// damaged keeps errors of the connection apart from those of the content.
func damaged(err error) error {
	if errors.Is(err, gzip.ErrHeader) || errors.Is(err, gzip.ErrChecksum) || errors.Is(err, tar.ErrHeader) {
		return hostile{"its archive is damaged"}
	}
	return err
}

func (u *unpacking) tar(content io.Reader) error {
	// Headers count as well: a million empty files are large, too.
	bounded := &counter{r: io.LimitReader(content, u.opts.MaxUnpacked+1)}
	t := tar.NewReader(bounded)
	here := map[string]bool{}
	for {
		h, err := t.Next()
		if bounded.n > u.opts.MaxUnpacked {
			return u.tooLarge()
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return damaged(err)
		}
		if err := u.entry(here, h, t); bounded.n > u.opts.MaxUnpacked {
			return u.tooLarge()
		} else if err != nil {
			return err
		}
	}
}

func (u *unpacking) tooLarge() error {
	return hostile{fmt.Sprintf("it is larger than %d MiB when it is unpacked", u.opts.MaxUnpacked>>20)}
}

func (u *unpacking) entry(here map[string]bool, h *tar.Header, content io.Reader) error {
	p, ok := clean(h.Name)
	if u.entries++; u.entries > u.opts.MaxFiles {
		return hostile{fmt.Sprintf("it has more than %d files", u.opts.MaxFiles)}
	}
	switch {
	case h.Typeflag == tar.TypeXGlobalHeader:
		return nil
	case !ok:
		return hostile{fmt.Sprintf("it has a file called %.100q, which leads elsewhere or cannot be named", h.Name)}
	case h.Typeflag == tar.TypeDir, p == "":
		return nil
	case h.Typeflag == tar.TypeReg:
		return u.file(here, p, h.Mode&0o111 != 0, content)
	case h.Typeflag == tar.TypeSymlink:
		if len(h.Linkname) > 4096 {
			return hostile{"a link of it is too long"}
		}
		return u.add(here, record{Path: p, Link: h.Linkname})
	case h.Typeflag == tar.TypeLink:
		target, ok := clean(h.Linkname)
		r, known := u.records[target]
		if !ok || !known || r.Link != "" {
			return hostile{fmt.Sprintf("its file %.100q is linked to one that is not in it", p)}
		}
		r.Path = p
		return u.add(here, r)
	}
	return hostile{fmt.Sprintf("it has a device or something else that is no file, %.100q", p)}
}

func (u *unpacking) add(here map[string]bool, r record) error {
	if here[r.Path] {
		return hostile{fmt.Sprintf("it has the file %.100q twice", r.Path)}
	}
	here[r.Path] = true
	for dir := path.Dir(r.Path); dir != "."; dir = path.Dir(dir) {
		if _, isFile := u.records[dir]; isFile {
			return hostile{fmt.Sprintf("its path %.100q is a file and a folder", dir)}
		}
	}
	u.records[r.Path] = r
	return nil
}

func (u *unpacking) file(here map[string]bool, p string, executable bool, content io.Reader) error {
	sum := sha256.New()
	n, err := io.Copy(io.MultiWriter(u.out, sum), io.LimitReader(content, u.opts.MaxUnpacked-u.offset+1))
	if err != nil {
		return damaged(err)
	}
	r := record{Path: p, Offset: u.offset, Size: n, Sum: hex.EncodeToString(sum.Sum(nil)), Executable: executable}
	if u.offset += n; u.offset > u.opts.MaxUnpacked {
		return u.tooLarge()
	}
	return u.add(here, r)
}

// counter counts what is read.
type counter struct {
	r io.Reader
	n int64
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}

// temporary makes a file that is removed unless it is renamed.
func temporary(dir string) (*os.File, func(), error) {
	f, err := os.CreateTemp(dir, "*.tmp")
	if err != nil {
		return nil, nil, err
	}
	return f, func() {
		_ = f.Close()
		_ = os.Remove(f.Name())
	}, nil
}
