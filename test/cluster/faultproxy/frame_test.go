package faultproxy

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func TestFramesPassWhole(t *testing.T) {
	long := strings.Repeat("x", 200<<10)
	delimit := func(s string) string {
		return string(binary.BigEndian.AppendUint32(nil, uint32(len(s)))) + s
	}
	for _, c := range []struct {
		name   string
		format format
		text   string
		want   []string
		err    error
	}{
		{"lines", jsonFrames, "a\nbc\n", []string{"a\n", "bc\n"}, io.EOF},
		{"a long line", jsonFrames, long + "\nb\n", []string{long + "\n", "b\n"}, io.EOF},
		{"an unfinished line", jsonFrames, "a\nb", []string{"a\n"}, io.ErrUnexpectedEOF},
		{"lengths", protobufFrames, delimit("a") + delimit("") + delimit(long), []string{delimit("a"), delimit(""), delimit(long)}, io.EOF},
		{"an unfinished length", protobufFrames, "\x00\x00", nil, io.ErrUnexpectedEOF},
		{"a frame cut short", protobufFrames, delimit("abc")[:5], nil, io.ErrUnexpectedEOF},
	} {
		t.Run(c.name, func(t *testing.T) {
			next := c.format.reader(iotest.OneByteReader(strings.NewReader(c.text)))
			for i, want := range c.want {
				got, err := next()
				if err != nil || string(got) != want {
					t.Fatalf("frame %d is %.20q (%d bytes), error %v; want %.20q", i, got, len(got), err, want)
				}
			}
			if got, err := next(); !errors.Is(err, c.err) {
				t.Errorf("then comes %.20q, error %v; want %v", got, err, c.err)
			}
		})
	}
	if _, err := protobufFrames.reader(strings.NewReader("\xff\xff\xff\xff"))(); err == nil {
		t.Error("a frame of 4 GiB passes")
	}
}

func TestExpiredIsAWatchEvent(t *testing.T) {
	var line struct {
		Type   string
		Object metav1.Status
	}
	if err := json.Unmarshal(jsonFrames.expired(), &line); err != nil || line.Type != "ERROR" || line.Object.Code != 410 || line.Object.Reason != "Expired" {
		t.Errorf("the line is %+v, error %v", line, err)
	}
	frame := protobufFrames.expired()
	var event metav1.WatchEvent
	if err := event.Unmarshal(frame[4:]); err != nil || int(binary.BigEndian.Uint32(frame)) != len(frame)-4 || event.Type != "ERROR" || !bytes.HasPrefix(event.Object.Raw, []byte("k8s\x00")) {
		t.Errorf("the frame is %+v, error %v", event, err)
	}
}

func FuzzFrames(f *testing.F) {
	f.Add([]byte("{}\n{}\n"), true)
	f.Add([]byte("\x00\x00\x00\x01a"), false)
	f.Fuzz(func(t *testing.T, text []byte, lines bool) {
		kind := protobufFrames
		if lines {
			kind = jsonFrames
		}
		next := kind.reader(bytes.NewReader(text))
		var all []byte
		for {
			frame, err := next()
			if err != nil {
				break
			}
			if len(frame) == 0 {
				t.Fatal("an empty frame would never end")
			}
			all = append(all, frame...)
		}
		if !bytes.HasPrefix(text, all) {
			t.Errorf("frames %q are no beginning of %q", all, text)
		}
	})
}
