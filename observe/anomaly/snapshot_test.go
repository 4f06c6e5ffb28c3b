package anomaly_test

import (
	"encoding/binary"
	"hash/crc32"
	"math"
	"math/rand/v2"
	"os"
	"testing"

	"github.com/autoecoops/autoecoops/fault"
	"github.com/autoecoops/autoecoops/observe/anomaly"
)

// TestSnapshotIsExact restores at random points and goes on the same.
func TestSnapshotIsExact(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	values := daily(6000, 11)
	for range 200 {
		values[r.IntN(len(values))] *= 3
	}
	d := detector(t, nil)
	for range 12 {
		cut := r.IntN(len(values) - 500)
		var whole, torn anomaly.Series
		feed(d, &whole, values[:cut], 0)
		kept := whole.Snapshot([]byte("before"))
		rest, err := torn.Restore(append(kept, "after"...)[len("before"):])
		if err != nil || string(rest) != "after" {
			t.Fatalf("at %d: %q, %v", cut, rest, err)
		}
		if torn != whole {
			t.Fatalf("at %d: the series differ", cut)
		}
		want := feed(d, &whole, values[cut:], cut)
		for i, v := range feed(d, &torn, values[cut:], cut) {
			if !same(v, want[i]) {
				t.Fatalf("cut at %d, sample %d: %+v, want %+v", cut, i, v, want[i])
			}
		}
	}
}

func TestSnapshotDamaged(t *testing.T) {
	d := detector(t, nil)
	var s anomaly.Series
	feed(d, &s, daily(1000, 1), 0)
	good := s.Snapshot(nil)
	r := rand.New(rand.NewPCG(1, 1))
	refuse := func(b []byte, what string) {
		t.Helper()
		into := s
		if _, err := into.Restore(b); fault.KindOf(err) != fault.Invalid || err == nil {
			t.Errorf("%s: %v", what, err)
		}
		if into != s {
			t.Errorf("%s: the series was changed", what)
		}
	}
	for range 500 {
		b := append([]byte(nil), good...)
		b[r.IntN(len(b))] ^= byte(1 + r.IntN(255))
		refuse(b, "a changed byte")
	}
	for n := 0; n < len(good); n += 97 {
		refuse(good[:n], "cut off")
	}
	later := append([]byte(nil), good...)
	binary.LittleEndian.PutUint16(later[4:], 99)
	refuse(seal(later), "of a later program")
	shorter := seal(append(append([]byte(nil), good[:len(good)-8]...), 0, 0, 0, 0))
	binary.LittleEndian.PutUint32(shorter[6:], uint32(len(shorter)-14))
	refuse(seal(shorter), "too short inside")
}

// seal makes the checksum right.
func seal(b []byte) []byte {
	n := len(b) - 4
	binary.LittleEndian.PutUint32(b[n:], crc32.Checksum(b[:n], crc32.MakeTable(crc32.Castagnoli)))
	return b
}

// TestOlderSnapshots reads what older programs kept: a series as
// daily(3000, 3) leaves it.
func TestOlderSnapshots(t *testing.T) {
	for _, name := range []string{"version1", "version2", "version3", "version4"} {
		t.Run(name, func(t *testing.T) { olderSnapshot(t, "testdata/"+name+".snapshot") })
	}
}

func olderSnapshot(t *testing.T, file string) {
	old, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var s, fresh anomaly.Series
	if rest, err := s.Restore(old); err != nil || len(rest) != 0 {
		t.Fatal(err, len(rest))
	}
	d := detector(t, nil)
	feed(d, &fresh, daily(3000, 3), 0)
	values := daily(3400, 3)[3000:]
	want := feed(d, &fresh, values, 3000)
	for i, v := range feed(d, &s, values, 3000) {
		if v.State != want[i].State || v.Low == v.High || math.Abs(v.Low-want[i].Low) > 8 {
			t.Fatalf("sample %d: %+v, a series of today %+v", i, v, want[i])
		}
	}
}

func FuzzRestore(f *testing.F) {
	set := anomaly.Default()
	d, err := anomaly.New(set)
	if err != nil {
		f.Fatal(err)
	}
	var s anomaly.Series
	feed(d, &s, daily(700, 1), 0)
	f.Add(s.Snapshot(nil))
	f.Add(new(anomaly.Series).Snapshot(nil))
	for _, name := range []string{"version1", "version2", "version3", "version4"} {
		if old, err := os.ReadFile("testdata/" + name + ".snapshot"); err == nil {
			f.Add(old)
		}
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) >= 14 {
			b = seal(append([]byte(nil), b...)) // or nothing would come through
		}
		var s anomaly.Series
		if _, err := s.Restore(b); err != nil {
			return
		}
		for i, v := range daily(300, 2) {
			got := d.Observe(&s, anomaly.Sample{At: int64(1000+i) * 5 * minute, Value: v})
			if !(got.Probability >= 0 && got.Probability < 1) {
				t.Fatalf("%+v", got)
			}
		}
		d.Explain(&s)
		var again anomaly.Series
		if _, err := again.Restore(s.Snapshot(nil)); err != nil {
			t.Fatalf("what was restored cannot be kept: %v", err)
		}
	})
}
