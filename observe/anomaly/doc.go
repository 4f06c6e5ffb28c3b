// Package anomaly tells, sample by sample, whether a series does what it never
// did before, and says why.
//
// Each series is followed by itself, without training and labels, in a fixed
// 4 KiB that hold no pointer. Several channels look at it: is the level new,
// is the pattern of three levels new (both in blocks of 1, 4 and 12 samples,
// against a bounded book of known patterns); did the variation change; is the
// hour unlike the same hour of the day, of the week (where habits foretell
// anything at all, on the clock of the users). Each channel's deviation is
// judged by how seldom it was that large before, and beyond all that was seen by
// how heavy its tail is: only that makes what is measured in different units
// comparable. The mean of these surprises is the strength: channels have to
// agree. Two kinds of news are seen by one channel only, and speak for
// themselves: a habit that is broken, and a value that stands still in a series
// that never does for so long. One stage of inhibition makes an alarm of an
// event and not of each of its samples, and a series that often alarms is
// believed less.
//
// An incident needs more than the probability of an alarm: evidence, that is
// strength beyond what is usual for the series, over some samples from the alarm
// on. A record that a series breaks by chance is an alarm, but no incident. Nor is
// what comes by the clock, as a job each night or week does: what came at an hour on
// three days, or is there as a rule, is told again only when it goes farther.
//
// What is seen is learned at once, also while samples are muted: a new level
// is news once, not for days.
//
// It refuses nothing: a sample that cannot be used is told by the state of its
// verdict. It never looks at the future of a series, not even at its length.
//
// The same samples give the same verdicts. A Series can be kept with Snapshot
// and goes on exactly where it was after Restore.
package anomaly
