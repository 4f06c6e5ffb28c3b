package anomaly_test

import (
	"fmt"
	"math"
	"time"

	"github.com/autoecoops/autoecoops/observe/anomaly"
)

// A request rate with a daily rhythm drops to nothing.
func Example() {
	d, err := anomaly.New(anomaly.Default())
	if err != nil {
		fmt.Println(err)
		return
	}
	var s anomaly.Series
	start := time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)
	for i := range 288 * 7 {
		at := start.Add(time.Duration(i) * 5 * time.Minute)
		rate := 100 + 40*math.Sin(2*math.Pi*float64(i)/288) + float64(i%7)
		if i >= 288*6+100 && i < 288*6+130 {
			rate = 0
		}
		v := d.Observe(&s, anomaly.Sample{At: at.UnixMilli(), Value: rate})
		if v.Onset {
			fmt.Println(at.Format("Monday 15:04"), v.Direction, "the expected")
		}
	}
	// Output: Sunday 08:20 below the expected
}

// A series is kept over a restart.
func ExampleSeries_Snapshot() {
	d, _ := anomaly.New(anomaly.Default())
	var s anomaly.Series
	for i := range 500 {
		d.Observe(&s, anomaly.Sample{At: int64(i) * 60_000, Value: float64(i % 10)})
	}
	kept := s.Snapshot(nil)
	var again anomaly.Series
	_, err := again.Restore(kept)
	fmt.Println(err, again == s)
	// Output: <nil> true
}
