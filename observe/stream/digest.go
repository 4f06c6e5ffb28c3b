package stream

import (
	"cmp"
	"slices"
	"time"

	"github.com/autoecoops/autoecoops/observe"
)

const (
	// calm is for how long what else begins of a workload waits once it was told of one.
	calm = 5 * time.Minute
	// A workload is told of each perMinute-th part of a minute, burst of them at a time.
	perMinute, burst = 20, 30
)

// News is what people are told of a workload.
type News struct {
	Namespace, Workload string
	What                What
	// Worst is the anomaly of those that began which is the least likely to be nothing; of
	// those that ended it is the last.
	Worst observe.Anomaly
	// Series is how many began, or ended, since the workload was told of last; Open how
	// many go on.
	Series, Open int
}

// Digest gathers what becomes of series by their workload, and tells of a workload once in
// a while, and of a few at a time: what a thousand series say together is one piece of
// news. What begins beyond that is counted. It belongs to one goroutine.
type Digest struct {
	by map[workload]*pending
	// tokens are how many workloads may be told of, as of the moment at.
	tokens float64
	at     time.Time
}

// pending is what is to be told of a workload.
type pending struct {
	open, begun, over int
	worst, last       observe.Anomaly
	// told says that one was told that began, and that all are over was not.
	told, unknown bool
	next          time.Time
}

// Resume notes an anomaly that somebody was told of before.
func (d *Digest) Resume(a observe.Anomaly) {
	p := d.of(a)
	p.open, p.told = p.open+1, true
}

// Add takes what became of a series.
func (d *Digest) Add(t Turn) {
	p := d.of(t.Anomaly)
	if t.What == Began {
		if p.begun == 0 || t.Anomaly.Probability > p.worst.Probability {
			p.worst = t.Anomaly
		}
		p.open, p.begun = p.open+1, p.begun+1
		return
	}
	p.open, p.over, p.last = p.open-1, p.over+1, t.Anomaly
	p.unknown = p.unknown || t.What == Unknown
}

func (d *Digest) of(a observe.Anomaly) *pending {
	if d.by == nil {
		d.by = map[workload]*pending{}
	}
	of := workloadOf(a.Signal)
	p := d.by[of]
	if p == nil {
		p = &pending{}
		d.by[of] = p
	}
	return p
}

// Tell returns what is to be told by now, and how many anomalies began that are told to
// nobody.
func (d *Digest) Tell(now time.Time) (told []News, untold int) {
	if d.at.IsZero() {
		d.tokens = burst
	} else {
		d.tokens = min(burst, d.tokens+now.Sub(d.at).Minutes()*perMinute)
	}
	d.at = now
	var began []workload
	for of, p := range d.by {
		switch {
		case p.begun > 0 && !now.Before(p.next):
			began = append(began, of)
		case p.begun == 0 && p.open == 0:
			if p.told {
				n := News{of.namespace, of.name, Ended, p.last, p.over, 0}
				if p.unknown {
					n.What = Unknown
				}
				told = append(told, n)
			}
			if now.Before(p.next) { // what it was told of last still counts
				*p = pending{next: p.next}
			} else {
				delete(d.by, of)
			}
		}
	}
	slices.SortFunc(began, func(a, b workload) int {
		return cmp.Or(cmp.Compare(d.by[b].worst.Probability, d.by[a].worst.Probability), cmp.Compare(a.namespace, b.namespace), cmp.Compare(a.name, b.name))
	})
	for _, of := range began {
		p := d.by[of]
		if d.tokens < 1 {
			untold += p.begun
			p.begun, p.worst = 0, observe.Anomaly{}
			continue
		}
		d.tokens--
		told = append(told, News{of.namespace, of.name, Began, p.worst, p.begun, p.open})
		p.begun, p.over, p.unknown, p.told, p.next, p.worst = 0, 0, false, true, now.Add(calm), observe.Anomaly{}
	}
	return told, untold
}
