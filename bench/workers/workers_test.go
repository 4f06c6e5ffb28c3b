package workers_test

import (
	"errors"
	"sync/atomic"
	"testing"

	"github.com/autoecoops/autoecoops/bench/workers"
)

func TestEach(t *testing.T) {
	var sum atomic.Int64
	add := func(i int) error {
		sum.Add(int64(i))
		return nil
	}
	if err := workers.Each(100, 7, add); err != nil || sum.Load() != 4950 {
		t.Errorf("%d, %v", sum.Load(), err)
	}
	if err := workers.Each(0, 3, add); err != nil || sum.Load() != 4950 {
		t.Errorf("%d, %v", sum.Load(), err)
	}
}

func TestNothingIsBegunAfterAnError(t *testing.T) {
	wrong := errors.New("wrong")
	begun := 0
	err := workers.Each(100, 1, func(i int) error {
		begun++
		if i == 3 {
			return wrong
		}
		return nil
	})
	if err != wrong || begun != 4 {
		t.Errorf("%d, %v", begun, err)
	}
}
