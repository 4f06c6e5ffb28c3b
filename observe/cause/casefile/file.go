package casefile

import (
	"bufio"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/autoecoops/autoecoops/fault"
	"github.com/autoecoops/autoecoops/observe/cause"
)

const (
	format  = "aeo-cause-case"
	version = 1
)

// MaxBytes is how much text a file may unpack to.
const MaxBytes = 512 << 20

// maxPart is how much text a series, a change and the like may be each.
const maxPart = 4 << 20

const (
	reading = "read a case"
	writing = "write a case"
	rewrite = "write it again with aeo observe causes --save-case"
)

// header comes first, on a line of its own, so that files of later versions are
// told from broken ones.
type header struct {
	Format  string `json:"format"`
	Version int    `json:"version"`
}

// Write writes a case. It fails with fault.Invalid if the case has more than the
// limits of package cause allow, or series whose times and values differ in number.
func Write(w io.Writer, c cause.Case) error {
	kept, err := keep(&c)
	if err != nil {
		return err
	}
	z := gzip.NewWriter(w)
	enc := json.NewEncoder(z)
	for _, part := range []any{header{format, version}, kept} {
		if err := enc.Encode(part); err != nil {
			return fault.Wrap(fault.Unavailable, writing, "", err, "check that there is room and that you may write there")
		}
	}
	if err := z.Close(); err != nil {
		return fault.Wrap(fault.Unavailable, writing, "", err, "check that there is room and that you may write there")
	}
	return nil
}

// Read reads what Write wrote. It fails with fault.Invalid on anything else: files of
// another kind or of a newer version, broken ones, and those that are too large.
func Read(r io.Reader) (cause.Case, error) { return readAtMost(r, MaxBytes) }

func readAtMost(r io.Reader, most int64) (cause.Case, error) {
	z, err := gzip.NewReader(r)
	if err != nil {
		return cause.Case{}, fault.Wrap(fault.Invalid, reading, "", fmt.Errorf("it is no case, or cut short: %w", err), "name a file that aeo observe causes --save-case wrote")
	}
	limited := &io.LimitedReader{R: z, N: most + 1}
	text := bufio.NewReader(limited)
	fail := func(err error) (cause.Case, error) {
		if limited.N <= 0 {
			return cause.Case{}, fault.New(fault.Invalid, reading, "", fmt.Sprintf("it unpacks to more than %d MiB", most>>20), "save a case of fewer signals: --namespace or --max-signals")
		}
		if f := (*fault.Error)(nil); errors.As(err, &f) {
			return cause.Case{}, err
		}
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		return cause.Case{}, fault.Wrap(fault.Invalid, reading, "", fmt.Errorf("it is broken or cut short: %w", err), "copy it again, or "+rewrite)
	}
	line, err := text.ReadSlice('\n') // of 4 KiB at most
	var h header
	if err != nil && !errors.Is(err, bufio.ErrBufferFull) {
		return fail(err)
	}
	if json.Unmarshal(line, &h) != nil || h.Format != format {
		return cause.Case{}, fault.New(fault.Invalid, reading, "", "it is a compressed file, but no case", "name a file that aeo observe causes --save-case wrote")
	}
	if h.Version != version {
		return cause.Case{}, fault.New(fault.Invalid, reading, "", fmt.Sprintf("it has version %d of the format, this program reads version %d", h.Version, version), "use the version of aeo that wrote it, or a newer one")
	}
	var kept file
	meter := &meter{r: text}
	dec := json.NewDecoder(meter)
	if err := kept.read(dec, meter.part); err != nil {
		return fail(err)
	}
	meter.part()
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		if err == nil {
			err = errors.New("more follows the case")
		}
		return fail(err)
	}
	c, err := kept.given()
	if err != nil {
		return fail(err)
	}
	return c, nil
}
