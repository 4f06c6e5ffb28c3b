package faultproxy

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer/protobuf"
)

// maxFrame is the largest event that passes: an object may have a few MiB.
const maxFrame = 64 << 20

// format is how a watch's events follow each other.
type format int

const (
	jsonFrames     format = iota // a line each
	protobufFrames               // four bytes of length, then the event
)

// reader returns a function that reads the next whole frame.
func (f format) reader(from io.Reader) func() ([]byte, error) {
	buffered := bufio.NewReaderSize(from, 64<<10)
	if f == protobufFrames {
		return func() ([]byte, error) { return readDelimited(buffered) }
	}
	return func() ([]byte, error) { return readLine(buffered) }
}

func readLine(from *bufio.Reader) ([]byte, error) {
	var line []byte
	for {
		part, err := from.ReadSlice('\n')
		line = append(line, part...)
		if len(line) > maxFrame {
			return nil, fmt.Errorf("read an event: it has more than %d bytes", maxFrame)
		}
		if err == nil {
			return line, nil
		}
		if len(line) > 0 && err != bufio.ErrBufferFull {
			return nil, unexpected(err) // an unfinished line is no event
		}
		if err != bufio.ErrBufferFull {
			return nil, err
		}
	}
}

func readDelimited(from *bufio.Reader) ([]byte, error) {
	var length [4]byte
	if _, err := io.ReadFull(from, length[:]); err != nil {
		return nil, err
	}
	n := binary.BigEndian.Uint32(length[:])
	if n > maxFrame {
		return nil, fmt.Errorf("read an event: it has %d bytes, more than %d", n, maxFrame)
	}
	// The length is the other side's word; memory is spent on what arrives.
	frame := bytes.NewBuffer(length[:])
	if got, err := io.CopyN(frame, from, int64(n)); err != nil {
		return nil, fmt.Errorf("read an event: %d of %d bytes came: %w", got, n, unexpected(err))
	}
	return frame.Bytes(), nil
}

// unexpected is err, unless that is an end where none is due.
func unexpected(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}

// expired is the event by which the API server says that a watch is too old.
func (f format) expired() []byte {
	s := status(410, "The resourceVersion for the provided watch is too old.")
	if f == protobufFrames {
		return delimited(s)
	}
	line, err := json.Marshal(map[string]any{"type": "ERROR", "object": s})
	if err != nil {
		return nil // a Status always encodes; without the event the watch just ends
	}
	return append(line, '\n')
}

func delimited(s *metav1.Status) []byte {
	var object bytes.Buffer
	if err := protobuf.NewSerializer(nil, nil).Encode(s, &object); err != nil {
		return nil // as above
	}
	event, err := (&metav1.WatchEvent{Type: "ERROR", Object: runtime.RawExtension{Raw: object.Bytes()}}).Marshal()
	if err != nil {
		return nil
	}
	return append(binary.BigEndian.AppendUint32(nil, uint32(len(event))), event...)
}
