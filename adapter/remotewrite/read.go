package remotewrite

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/prometheus/prometheus/util/compression"
	"google.golang.org/protobuf/encoding/protowire"
)

// read reads and unpacks a body. A message whose head declares more than it may have is
// not unpacked.
func (r *Receiver) read(w http.ResponseWriter, req *http.Request) (text []byte, status int, err error) {
	most := r.options.MaxMessage
	packed, err := io.ReadAll(http.MaxBytesReader(w, req.Body, int64(most/2)))
	if err != nil {
		if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
			return nil, http.StatusRequestEntityTooLarge, fmt.Errorf("the message is larger than %d bytes; send fewer samples at a time", most/2)
		}
		return nil, http.StatusBadRequest, errors.New("the message did not come whole")
	}
	n, head := binary.Uvarint(packed) // snappy begins with the size of what is packed
	switch {
	case head <= 0:
		return nil, http.StatusBadRequest, errors.New("it is not snappy: it has no size")
	case n > uint64(most):
		return nil, http.StatusRequestEntityTooLarge, fmt.Errorf("the message has %d bytes once unpacked, more than %d; send fewer samples at a time", n, most)
	}
	if text, err = compression.Decode(compression.Snappy, packed, compression.NewSyncDecodeBuffer()); err != nil {
		return nil, http.StatusBadRequest, fmt.Errorf("it is not snappy: %w", err)
	}
	return text, 0, nil
}

// depth is how deep the parts of the messages are nested: series, samples or labels,
// spans of histograms.
const depth = 3

// parts counts the fields of a message with a length, those in them too, at most up to
// one more than most. Each of them is a value that unpacking would make.
func parts(text []byte, most, deep int) (n int) {
	for len(text) > 0 && n <= most {
		_, kind, size := protowire.ConsumeTag(text)
		if size < 0 {
			return n // it is no message, but perhaps a text; or broken, as unpacking will tell
		}
		text = text[size:]
		if kind != protowire.BytesType {
			if size = protowire.ConsumeFieldValue(1, kind, text); size < 0 {
				return n
			}
			text = text[size:]
			continue
		}
		inner, size := protowire.ConsumeBytes(text)
		if size < 0 {
			return n
		}
		text = text[size:]
		n++
		if deep > 1 {
			n += parts(inner, most-n, deep-1)
		}
	}
	return n
}
