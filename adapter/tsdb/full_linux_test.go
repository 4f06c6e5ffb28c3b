package tsdb_test

import (
	"errors"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/autoecoops/autoecoops/adapter/tsdb"
)

// TestFullDisk fills a small disk up to what must stay free: it is said, nothing crashes, and what was acknowledged before the reserve was
// reached is there afterwards.
func TestFullDisk(t *testing.T) {
	for name, reserve := range map[string]int64{"reserve": 142 << 20} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size=150m"); err != nil {
				t.Skip("this user may not mount a small disk:", err)
			}
			t.Cleanup(func() { _ = unix.Unmount(dir, unix.MNT_DETACH) })
			now := time.Now()
			// Time is told in steps, so that the disk is looked at each time.
			s, err := tsdb.Open(tsdb.Options{Dir: dir, MinFree: reserve, Now: func() time.Time { now = now.Add(time.Second); return now }})
			if err != nil {
				t.Fatal(err)
			}
			acknowledged, refused := 0, 0
			start := time.Now().Add(-time.Hour)
			for step := 0; step < 3000 && refused < 5; step++ {
				a := s.Appendable("write", false).Appender(t.Context())
				var failed error
				for i := range 500 {
					if _, err := a.Append(0, name2(step, i), start.Add(time.Duration(step)*time.Second).UnixMilli(), float64(i)); err != nil {
						failed = err
						break
					}
				}
				if failed != nil {
					_ = a.Rollback()
				} else {
					failed = a.Commit()
				}
				switch {
				case failed == nil:
					acknowledged += 500
				case reserve > 1 && !errors.Is(failed, tsdb.ErrDisk):
					t.Fatalf("a full disk: %v", failed)
				default:
					refused++
				}
			}
			if refused < 5 {
				t.Fatal("the disk did not get full")
			}
			if err := s.Room(); !errors.Is(err, tsdb.ErrDisk) {
				t.Errorf("there is room on a full disk: %v", err)
			}
			before := count(t, s)
			if err := s.Close(); err != nil {
				t.Error(err)
			}
			if _, err := tsdb.Open(tsdb.Options{Dir: dir, MinFree: 1 << 30}); !errors.Is(err, tsdb.ErrDisk) {
				t.Errorf("opened on a full disk: %v", err)
			}
			s, err = tsdb.Open(tsdb.Options{Dir: dir, MinFree: 1})
			if err != nil {
				if reserve > 1 {
					t.Fatal(err)
				}
				t.Logf("opened again on a disk without a byte left: %v", err) // said, which is all that can be asked for
				return
			}
			defer s.Close()
			after := count(t, s)
			t.Logf("%d acknowledged, %d there before, %d after", acknowledged, before, after)
			if reserve > 1 && after < acknowledged {
				t.Errorf("%d acknowledged, %d there", acknowledged, after)
			}
		})
	}
}
