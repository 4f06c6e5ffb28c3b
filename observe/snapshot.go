package observe

import (
	"bytes"
	"encoding/binary"
	"encoding/gob"
	"fmt"
	"hash/crc32"
	"time"

	"github.com/autoecoops/autoecoops/fault"
	"github.com/autoecoops/autoecoops/observe/anomaly"
	"github.com/autoecoops/autoecoops/observe/watch"
)

// A snapshot is: four letters, the version, the survey as gob writes it, and a checksum
// of all before it. Numbers are little-endian. What is known of a series is its own
// snapshot within, which has a version and a checksum of its own.
const (
	snapshotLetters = "AEOs"
	snapshotVersion = 1
	snapshotHead    = len(snapshotLetters) + 2
	snapshotSum     = 4
)

// savedSurvey is a Survey in a snapshot.
type savedSurvey struct {
	Step    time.Duration
	At      time.Time
	Watches []watch.Watch
	Tracks  []savedTrack
}

// savedTrack is one signal in a snapshot.
type savedTrack struct {
	Watch  int // in savedSurvey.Watches
	Labels map[string]string
	Series []byte
	Last   anomaly.Verdict
	LastAt int64
	Judged int
	// Open is what goes on, nil if nothing does. It leaves its signal out.
	Open *Anomaly
}

// Snapshot writes what a survey has learned up to a moment, and the anomalies that go on.
// RestoreSurvey makes the same survey of it.
func (s *Survey) Snapshot(at time.Time) ([]byte, error) {
	saved := savedSurvey{Step: s.options.Step, At: at, Tracks: make([]savedTrack, 0, len(s.order))}
	index := map[string]int{}
	for _, t := range s.order {
		w := t.signal.Watch
		i, known := index[w.Name]
		if !known {
			i = len(saved.Watches)
			index[w.Name], saved.Watches = i, append(saved.Watches, w)
		}
		x := savedTrack{Watch: i, Labels: t.signal.Labels, Series: t.series.Snapshot(nil), Last: t.last, LastAt: t.lastAt, Judged: t.judged}
		if t.open {
			open := t.found[len(t.found)-1]
			open.Signal = Signal{}
			x.Open = &open
		}
		saved.Tracks = append(saved.Tracks, x)
	}
	var b bytes.Buffer
	b.WriteString(snapshotLetters)
	b.Write(binary.LittleEndian.AppendUint16(nil, snapshotVersion))
	if err := gob.NewEncoder(&b).Encode(saved); err != nil {
		return nil, fault.Wrap(fault.Internal, "write a snapshot of", "a survey", err, "report this")
	}
	return binary.LittleEndian.AppendUint32(b.Bytes(), snapshotCheck(b.Bytes())), nil
}

func snapshotCheck(b []byte) uint32 { return crc32.Checksum(b, crc32.MakeTable(crc32.Castagnoli)) }

// RestoreSurvey reads a snapshot, and returns the moment up to which its survey has
// learned. The error is of kind Invalid when the snapshot is cut off or damaged, was
// written by a later program, or follows samples at other steps.
func RestoreSurvey(b []byte, o Options) (*Survey, time.Time, error) {
	bad := func(why string) (*Survey, time.Time, error) {
		return nil, time.Time{}, fault.New(fault.Invalid, "restore", "a survey", why, "drop the snapshot: all is learned anew")
	}
	if len(b) < snapshotHead+snapshotSum || string(b[:len(snapshotLetters)]) != snapshotLetters {
		return bad("it is no snapshot of a survey")
	}
	if v := binary.LittleEndian.Uint16(b[len(snapshotLetters):]); v != snapshotVersion {
		return bad(fmt.Sprintf("its version is %d; this program reads %d", v, snapshotVersion))
	}
	body, sum := b[:len(b)-snapshotSum], binary.LittleEndian.Uint32(b[len(b)-snapshotSum:])
	if snapshotCheck(body) != sum {
		return bad("its checksum is wrong: it is cut off or damaged")
	}
	var saved savedSurvey
	if err := gob.NewDecoder(bytes.NewReader(body[snapshotHead:])).Decode(&saved); err != nil {
		return bad("it cannot be read: " + err.Error())
	}
	if saved.Step != o.Step {
		return bad(fmt.Sprintf("its samples are %s apart, not %s", saved.Step, o.Step))
	}
	s := NewSurvey(o)
	for _, x := range saved.Tracks {
		if x.Watch < 0 || x.Watch >= len(saved.Watches) || len(s.order) >= s.options.MaxSignals {
			continue // of what is followed last there may be too much by now
		}
		if err := s.restore(Signal{saved.Watches[x.Watch], x.Labels}, x); err != nil {
			return nil, time.Time{}, err
		}
	}
	return s, saved.At, nil
}

// restore takes up one signal.
func (s *Survey) restore(of Signal, x savedTrack) error {
	t, err := s.add(of.Watch.Name+"\x00"+canonical(of.Labels), of)
	if err != nil {
		return err
	}
	if _, err := t.series.Restore(x.Series); err != nil {
		return err
	}
	t.last, t.lastAt, t.judged, t.restored = x.Last, x.LastAt, x.Judged, true
	if x.Open != nil {
		x.Open.Signal = of
		t.found, t.open = []Anomaly{*x.Open}, true
	}
	return nil
}
