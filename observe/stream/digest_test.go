package stream

import (
	"fmt"
	"testing"
	"time"

	"github.com/autoecoops/autoecoops/observe"
)

var noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

func turn(what What, workload string, probability float32) Turn {
	return Turn{what, observe.Anomaly{Probability: probability, Signal: observe.Signal{Labels: map[string]string{"namespace": "shop", "workload": workload}}}}
}

// TestDigestGathers: what begins of a workload at a time is one piece of news, what begins
// soon after waits, and the end of all is told once.
func TestDigestGathers(t *testing.T) {
	var d Digest
	for i := range 1000 {
		d.Add(turn(Began, "orders", float32(i%7)/10))
	}
	told, untold := d.Tell(noon)
	if len(told) != 1 || untold != 0 || told[0].What != Began || told[0].Series != 1000 || told[0].Open != 1000 || told[0].Workload != "orders" || told[0].Worst.Probability != 0.6 {
		t.Fatalf("%+v, %d untold", told, untold)
	}
	d.Add(turn(Began, "orders", 0.9))
	for range 1000 {
		d.Add(turn(Ended, "orders", 0))
	}
	if told, _ = d.Tell(noon.Add(time.Minute)); len(told) != 0 {
		t.Errorf("soon after: %+v", told)
	}
	if told, _ = d.Tell(noon.Add(calm)); len(told) != 1 || told[0].Series != 1 || told[0].Open != 1 {
		t.Errorf("later: %+v", told)
	}
	d.Add(turn(Ended, "orders", 0))
	if told, _ = d.Tell(noon.Add(calm + time.Second)); len(told) != 1 || told[0].What != Ended {
		t.Errorf("all are over: %+v", told)
	}
	if told, _ = d.Tell(noon.Add(3 * calm)); len(told) != 0 || len(d.by) != 0 {
		t.Errorf("again: %+v, %d are remembered", told, len(d.by))
	}
}

// TestDigestIsBounded: of a node's worth of workloads a few are told, the clearest first,
// and the others are counted; of these no end is told either.
func TestDigestIsBounded(t *testing.T) {
	var d Digest
	for i := range 500 {
		for range 3 {
			d.Add(turn(Began, fmt.Sprint("w", i), float32(i)/1000))
		}
	}
	told, untold := d.Tell(noon)
	if len(told) != burst || untold != 3*(500-burst) || told[0].Workload != "w499" {
		t.Fatalf("%d told, %d untold", len(told), untold)
	}
	for i := range 500 {
		for range 3 {
			d.Add(turn(Ended, fmt.Sprint("w", i), 0))
		}
	}
	if told, untold = d.Tell(noon.Add(time.Second)); len(told) != burst || untold != 0 {
		t.Errorf("%d ends told, %d untold", len(told), untold)
	}
	for i := range 500 {
		d.Add(turn(Began, fmt.Sprint("x", i), 0.5))
	}
	if told, _ = d.Tell(noon.Add(time.Minute)); len(told) < perMinute-1 || len(told) > perMinute+1 {
		t.Errorf("a minute later %d are told", len(told))
	}
}

// TestDigestUnknown: of series that fell silent nobody says that they are as usual.
func TestDigestUnknown(t *testing.T) {
	var d Digest
	d.Resume(turn(Began, "cart", 0).Anomaly) // was told before a restart
	d.Add(turn(Began, "cart", 0.5))
	d.Tell(noon)
	d.Add(turn(Unknown, "cart", 0.5))
	d.Add(turn(Ended, "cart", 0.5))
	if told, _ := d.Tell(noon.Add(time.Second)); len(told) != 1 || told[0].What != Unknown || told[0].Series != 2 {
		t.Errorf("%+v", told)
	}
}
