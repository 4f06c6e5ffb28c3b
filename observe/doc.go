// Package observe tells what is abnormal in the signals of workloads, since when,
// and why it is thought so.
//
// A Survey is fed with the samples of signals in the order of time, from history
// or as they come, and reports at any moment: the anomalies, and which signals
// cannot be judged. A signal that is still learned, or that has fallen silent, is
// told as such; silence is never health. The number of signals is bounded; what
// is left out is counted.
//
// What is to be watched is found by package watch, a series is judged by package
// anomaly, objectives are kept by package slo.
package observe
