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
	// Capacity of the books.
	knownLevels   = 40
	knownPatterns = 48
)

// lengths are the samples of a block, from short to long.
var lengths = [spans]uint32{1, 4, 12}

// Series is everything that is kept of one series: under 4 KiB, without
// pointers, the same size for ever. The zero value is a series not yet seen.
// It belongs to one goroutine at a time.
type Series struct {
	in    intake
	scale scale
	span  [spans]span
	tail  [tails]tail
	year  season
	local local
	still still
	mix   mix
	event event
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

// span is what is known at one block length.
type span struct {
	levels      [knownLevels]short
	levelTags   [knownLevels]uint8
	levelHead   bookHead
	patterns    [knownPatterns * blocks]short
	patternTags [knownPatterns]uint8
	patternHead bookHead
	n           uint32 // samples of the block
	sum, lo, hi float32
	recent      [blocks]float32
	filled      uint8
	near        nearest
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
	open      bool
	since     int64 // ms
	quiet     uint32
	direction Direction
	surprise  [tails]float32
	near      nearest
	nearSpan  uint8
	low, high float32
}

func (s *Series) levelBook(i int, t *Tuning) book {
	p := &s.span[i]
	return book{1, p.levels[:], p.levelTags[:], &p.levelHead, t}
}

func (s *Series) patternBook(i int, t *Tuning) book {
	p := &s.span[i]
	return book{blocks, p.patterns[:], p.patternTags[:], &p.patternHead, t}
}
