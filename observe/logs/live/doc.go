// Package live follows the lines of many workloads as they come, and says which of them
// begin to write lines that speak of something wrong and new, or far more of them than
// their own past lets expect.
//
// Each workload has a Miner of its own: what is new is new to it. Its containers write
// to streams, whose stack traces are put together apart from each other. Lines change
// nothing that can be seen; Look tells what began and what ended since it was called
// last. What began before the Follower did is told to nobody: it was there before.
//
// Memory is bounded by the number of workloads and by the bytes of each; what there is
// no room for is counted, never silently left.
package live
