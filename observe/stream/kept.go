package stream

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math"
	"time"

	"github.com/autoecoops/autoecoops/fault"
	"github.com/autoecoops/autoecoops/observe"
	"github.com/autoecoops/autoecoops/observe/anomaly"
)

// What is kept is: four letters, the version, when it was written; for each series its
// length, a record and its checksum; a length of 0 at last, with how many series there
// are. Numbers are little-endian. What is known of a series is its own snapshot within,
// which has a version and a checksum of its own. Each record stands for itself: of a file
// that is cut off all is good that is before.
const (
	keptLetters = "AEOw"
	keptVersion = 1
	keptHead    = len(keptLetters) + 2 + 8
	// longestRecord bounds a record: a name of many labels, and the series.
	longestRecord = 1 << 20
	// together is how many series are written while their shard waits.
	together = 32
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Write writes what is known of all series, of each as it is when its turn comes: samples
// are judged meanwhile. It ends early, with an error, when ctx does.
func (t *Table[K]) Write(ctx context.Context, to io.Writer, at time.Time) error {
	w := bufio.NewWriterSize(to, 1<<18)
	head := append([]byte(keptLetters), 0, 0)
	binary.LittleEndian.PutUint16(head[len(keptLetters):], keptVersion)
	head = binary.LittleEndian.AppendUint64(head, uint64(at.UnixMilli()))
	_, err := w.Write(head)
	var buffer []byte
	n := uint32(0)
	for i := range t.shards {
		for from, more := uint32(0), true; more && err == nil; from += together {
			var some uint32
			buffer, some, more = t.shards[i].write(buffer[:0], from)
			n += some
			_, err = w.Write(buffer)
			if err == nil {
				err = ctx.Err()
			}
		}
	}
	if err == nil {
		_, err = w.Write(binary.LittleEndian.AppendUint32(make([]byte, 4, 8), n))
	}
	if err == nil {
		err = w.Flush()
	}
	return err
}

// write appends the records of a few rows, and tells whether there are more rows.
func (s *shard[K]) write(b []byte, from uint32) (_ []byte, n uint32, more bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	to := min(from+together, s.used)
	for at := from; at < to; at++ {
		if s.row(at).used {
			b, n = s.record(b, at), n+1
		}
	}
	return b, n, to < s.used
}

func (s *shard[K]) record(b []byte, at uint32) []byte {
	r := s.row(at)
	p, open := s.open[at]
	head := len(b)
	b = append(b, 0, 0, 0, 0, byte(r.kind), byte(r.state), 0)
	b = binary.LittleEndian.AppendUint32(b, r.seen)
	if open {
		b[head+6] = 1
		for _, v := range [...]float64{p.value, p.low, p.high} {
			b = binary.LittleEndian.AppendUint64(b, math.Float64bits(v))
		}
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(p.probability))
	}
	name := len(b)
	b = s.of.options.Naming.Write(append(b, 0, 0, 0, 0), r.name)
	binary.LittleEndian.PutUint32(b[name:], uint32(len(b)-name-4))
	b = s.known(at).Snapshot(b)
	binary.LittleEndian.PutUint32(b[head:], uint32(len(b)-head-4))
	return binary.LittleEndian.AppendUint32(b, crc32.Checksum(b[head+4:], castagnoli))
}

// Restore reads what Write wrote into a table in which these series are not yet, and
// returns how many it took up and when that was written. Series that are not picked any
// more, or are too many, are left out. The error, of kind Invalid, says what is wrong with
// what was written: the series before that are taken up all the same. Between then and now
// nobody listened, so that for nobody's silence it counts.
func (t *Table[K]) Restore(from io.Reader, now time.Time) (n int, at time.Time, err error) {
	bad := func(why string) (int, time.Time, error) {
		return n, at, fault.New(fault.Invalid, "restore", "the series that are watched", why, "the others are learned anew")
	}
	r := bufio.NewReaderSize(from, 1<<18)
	head := make([]byte, keptHead)
	if _, err := io.ReadFull(r, head); err != nil || string(head[:len(keptLetters)]) != keptLetters {
		return bad("it is no file of them")
	}
	if v := binary.LittleEndian.Uint16(head[len(keptLetters):]); v != keptVersion {
		return bad(fmt.Sprintf("its version is %d; this program reads %d", v, keptVersion))
	}
	at = time.UnixMilli(int64(binary.LittleEndian.Uint64(head[len(keptLetters)+2:])))
	var buffer []byte
	for read := uint32(0); ; read++ {
		var size [4]byte
		if _, err := io.ReadFull(r, size[:]); err != nil {
			return bad("it is cut off")
		}
		length := binary.LittleEndian.Uint32(size[:])
		if length > longestRecord {
			return bad("it is damaged: a series has a length that none has")
		}
		if cap(buffer) < int(length)+4 {
			buffer = make([]byte, 2*length+4)
		}
		buffer = buffer[:length+4]
		if _, err := io.ReadFull(r, buffer); err != nil {
			return bad("it is cut off")
		}
		sum := binary.LittleEndian.Uint32(buffer[length:])
		if length == 0 {
			if sum != read {
				return bad(fmt.Sprintf("it says that it has %d series, and has %d", sum, read))
			}
			return n, at, nil
		}
		if crc32.Checksum(buffer[:length], castagnoli) != sum {
			return bad("it is damaged: a checksum is wrong")
		}
		took, err := t.take(buffer[:length], uint32(max(0, now.Sub(at)/time.Minute)))
		if err != nil {
			return bad(err.Error())
		}
		if took {
			n++
		}
	}
}

var errShort = errors.New("it is damaged: a series is shorter than it says")

// take takes up a record, whose times are so many minutes later by now; false for one
// that is not wanted.
func (t *Table[K]) take(b []byte, later uint32) (bool, error) {
	if len(b) < 7+4 || b[2] != 0 && len(b) < 7+28+4 {
		return false, errShort
	}
	kind, state, open := Kind(b[0]), observe.State(b[1]), b[2] != 0
	seen := binary.LittleEndian.Uint32(b[3:])
	b = b[7:]
	var p peak
	if open {
		for i, v := range [...]*float64{&p.value, &p.low, &p.high} {
			*v = math.Float64frombits(binary.LittleEndian.Uint64(b[8*i:]))
		}
		p.probability = math.Float32frombits(binary.LittleEndian.Uint32(b[24:]))
		b = b[28:]
	}
	length := binary.LittleEndian.Uint32(b)
	b = b[4:]
	if uint64(length) > uint64(len(b)) || kind != Gauge && kind != Counter || state > observe.Silent || open != (state == observe.Abnormal) {
		return false, errShort
	}
	name, err := t.options.Naming.Read(b[:length])
	if err != nil {
		return false, err
	}
	var known anomaly.Series
	if rest, err := known.Restore(b[length:]); err != nil || len(rest) > 0 {
		return false, errors.Join(err, errShort)
	}
	if !t.options.Naming.Picked(name) {
		return false, nil
	}
	hash := t.options.Naming.Hash(name)
	s := t.shardOf(hash)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.find(hash, name) != none {
		return false, nil
	}
	at := s.add(hash, name, kind)
	if at == none {
		return false, nil
	}
	*s.known(at) = known
	r := s.row(at)
	r.seen = seen + later
	s.stand(r, state)
	if open {
		s.open[at] = p
	}
	return true, nil
}
