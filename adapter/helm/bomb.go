package helm

import (
	"bytes"
	"compress/gzip"
	"io"
)

// unpackedSize tells how many bytes a gzip stream holds, reading at most one
// more than limit.
func unpackedSize(data []byte, limit int64) (int64, error) {
	z, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		return 0, err
	}
	return io.Copy(io.Discard, io.LimitReader(z, limit+1))
}
