package slo

import (
	"encoding/binary"
	"hash/crc32"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestDamagedSnapshotsAreRefused(t *testing.T) {
	s := newStory(t, ofErrors(), time.Minute)
	s.tell("2h 100/s\n10m 100/s bad 100%")
	good := s.m.Snapshot()
	opts := Options{Interval: time.Minute, Start: epoch}
	for i := 0; i < len(good); i += 1 + len(good)/400 {
		bad := slices.Clone(good)
		bad[i] ^= 0x10
		if _, err := Restore(s.o, opts, bad); err == nil {
			t.Fatalf("a flipped bit in byte %d is not seen", i)
		}
	}
	for _, n := range []int{0, 1, 6, 16, 20, len(good) / 2, len(good) - 1} {
		if _, err := Restore(s.o, opts, good[:n]); err == nil {
			t.Errorf("%d of %d bytes are read", n, len(good))
		}
	}
	newer := slices.Clone(good)
	binary.LittleEndian.PutUint16(newer[len(snapshotMagic):], snapshotVersion+1)
	if _, err := Restore(s.o, opts, newer); err == nil || !strings.Contains(err.Error(), "version") {
		t.Error(err)
	}
	if _, err := Restore(ofGood(), opts, good); err == nil || !strings.Contains(err.Error(), "another definition") {
		t.Error(err)
	}
	if _, err := Restore(s.o, Options{Interval: 30 * time.Second, Start: epoch}, good); err == nil {
		t.Error("another interval is read")
	}
	if _, err := Restore(Objective{}, opts, good); err == nil {
		t.Error("no objective at all is restored")
	}
	// A new target and new labels keep the counts.
	o := s.o
	o.Target, o.Labels = 0.99, map[string]string{"a": "b"}
	m, err := Restore(o, opts, good)
	if err != nil {
		t.Fatal(err)
	}
	if b := m.Evaluate(s.now).Budget; b.Bad < 59_000 || b.Spent > 40 {
		t.Errorf("%+v", b)
	}
}

// FuzzRestore gives Restore bodies with the right checksum.
func FuzzRestore(f *testing.F) {
	s := newStory(&testing.T{}, ofErrors(), time.Minute)
	s.tell("1h 100/s\n10m 100/s bad 100%")
	good := s.m.Snapshot()
	f.Add(good[:200], 0)
	f.Add([]byte{1, 2, 3}, 100)
	f.Add([]byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, len(good)-100)
	opts := Options{Interval: time.Minute, Start: epoch}
	f.Fuzz(func(t *testing.T, patch []byte, at int) {
		bad := slices.Clone(good[:len(good)-4])
		if at < 0 || at > len(bad) {
			return
		}
		copy(bad[at:], patch)
		bad = binary.LittleEndian.AppendUint32(bad, crc32.Checksum(bad, castagnoli))
		m, err := Restore(s.o, opts, bad)
		if err != nil {
			return
		}
		m.Observe(Batch{At: epoch.Add(2 * time.Hour), Samples: []Sample{{Series: "total0", Role: Total, At: epoch.Add(2 * time.Hour).UnixMilli(), Value: 1e6}}})
		m.Evaluate(epoch.Add(2 * time.Hour))
	})
}
