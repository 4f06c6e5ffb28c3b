package anomaly

// Channels, each an independent way to be unusual. The first six are novelty:
// a single level and a pattern of three, in blocks of 1, 4 and 12 samples.
const (
	chVariation = 2*spans + iota
	chDay
	chWeek
	channels
	// chResidual only explains.
	chResidual = channels
	// chStill speaks for itself: it is not part of the mean.
	chStill = channels + 1
	tails   = channels + 2
)

const (
	spans  = 3 // block lengths
	blocks = 3 // levels of a pattern
	// Capacity of the books, in whole eights.
	knownLevels   = 40
	knownPatterns = 48
)

// lengths are the samples of a block, from short to long.
var lengths = [spans]uint32{1, 4, 12}

// Series is everything that is kept of one series: under 4 KiB, without
// pointers, the same size for ever. The zero value is a series not yet seen.
// It belongs to one goroutine at a time.
//
// What every sample touches lies together, in the order in which it does: from
// the end of year to the first books. The processor then fetches ahead what
// the next steps need of a series that is in no cache.
type Series struct {
	past      [keptValues]short
	suspicion suspicion
	year      season
	in        intake
	scale     scale
	local     local
	still     still
	mix       mix
	evidence  evidence
	span      [spans]span
	event     event
	tail      [tails]tail
	known     [spans]known
}

// places are where the tails of the channels are: first those of every sample.
var places = [tails]uint8{3, 4, 5, 6, 7, 8, chVariation: 0, chDay: 9, chWeek: 10, chResidual: 1, chStill: 2}

// tailOf is a channel's tail.
func (s *Series) tailOf(channel int) *tail { return &s.tail[places[channel]] }

// Prefetch asks the processor to fetch the series from memory while it does
// something else. Who feeds many series in turn calls it for the next one before
// Observe of this one, and saves most of the time that waiting for memory takes.
// It changes nothing else, and does nothing where it cannot be told.
func (s *Series) Prefetch() { prefetch(s) }

// prefetchDue asks for what only some samples need, where this one does: the books of
// the longer blocks that it fills. They are looked at last, and there by then.
func (s *Series) prefetchDue() {
	for i := 1; i < spans; i++ {
		if s.span[i].n+1 >= lengths[i] {
			prefetchKnown(&s.known[i])
		}
	}
}

// intake is what is known of the arrival of samples.
type intake struct {
	last     int64   // time of the newest sample, ms
	value    float64 // its value as it came
	base     float64 // what values are kept relative to
	unit     float64 // and in, a power of two
	interval float32 // usual time between samples, ms
	rows     uint32  // samples judged or learned
	behind   uint8   // samples in a row that were older than the newest
	behindAt int64   // the time of the last of them
	started  bool
	lost     Lost
}

// Lost counts the samples of a series that could not be used.
type Lost struct {
	// Absent had no number, Late came after a newer one, Restarted were the
	// first of a counter that began anew.
	Absent, Late, Restarted uint32
}

// Lost tells how many samples could not be used so far.
func (s *Series) Lost() Lost { return s.in.lost }

// span is the block that is being filled, at one block length.
type span struct {
	n           uint32 // samples of the block
	sum, lo, hi float32
	recent      [blocks]float32
	near        nearest
	filled      uint8
}

// known is what blocks of one length are known to show.
type known struct {
	levelHead   bookHead
	patternHead bookHead
	levels      [knownLevels]short
	patterns    [blocks * knownPatterns]short // all first levels, all second ones, all third ones
	levelTags   [knownLevels]uint8
	patternTags [knownPatterns]uint8
}

// nearest is the known pattern that was most like the last one.
type nearest struct {
	levels [blocks]float32
	seen   uint8
}

// local follows the series from sample to sample.
type local struct {
	level, trend float32
	spread       float32 // usual residual
	last         float32
	brisk, calm  float32 // variation lately and usually
}

// still knows how long values stay the same.
type still struct {
	value float32 // that the run began with
	run   uint32  // samples since then
}

// mix joins the channels.
type mix struct {
	surprise [channels]float32
	off      [channels]float32 // the deviations behind the surprise
	residual float32
	still    float32 // the surprise of the run of one value
	habit    float32 // of the hour, where both habits agree
	away     float32 // distance from the usual, smoothed
	bar      float32 // what the next alarm must exceed
	peak     float32 // the bar when it was set
	tired    float32
	rank     float32 // the fading surprise of rows after an alarm
	mean     float32 // the mean surprise lately
	rest     float32 // the fading surprise of a run of one value
	row      float32 // the current row's
}

// event is the incident that is open, or the last one.
type event struct {
	open  bool
	quiet uint32
	why   reason
}

func (s *Series) levelBook(i int, t *Tuning) book {
	p := &s.known[i]
	return book{1, p.levels[:], p.levelTags[:], &p.levelHead, t}
}

func (s *Series) patternBook(i int, t *Tuning) book {
	p := &s.known[i]
	return book{blocks, p.patterns[:], p.patternTags[:], &p.patternHead, t}
}
