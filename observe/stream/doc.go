// Package stream judges the series that somebody picks, sample by sample as they come.
//
// A Table holds what is known of each series: at most as many as are wanted, in a few
// large arrays, found by the hash of their labels and told apart by the labels
// themselves. Samples come in batches. The table is cut into shards, each with a lock of
// its own, so that several batches are judged at a time; samples of one series are judged
// in the order in which they come.
//
// A series beyond the bound is counted, not followed. One that falls silent is told as
// silent, which is never health, and goes from memory after days, or after an hour where
// there is no room for others.
//
// What becomes of series is told by Turns. A Digest gathers these by workload, so that a
// thousand series that go wrong together are one piece of news.
package stream
