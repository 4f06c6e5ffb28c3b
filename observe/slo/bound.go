package slo

import "math"

// LowerBound is the lower end of the one-sided confidence interval of the
// share of bad events, of which bad were seen among total: Wilson's score
// interval with continuity correction. It stays on the safe side of the exact
// binomial bound for the few events where it matters, and is a formula that
// PromQL can compute too. z is the quantile of the normal distribution.
func LowerBound(bad, total, z float64) float64 {
	if !(bad > 0) || !(total > 0) {
		return 0
	}
	p := min(1, bad/total)
	root := z*z - 1/total + 4*total*p*(1-p) + 4*p - 2
	if root < 0 {
		return 0
	}
	return max(0, (2*total*p+z*z-(z*math.Sqrt(root)+1))/(2*(total+z*z)))
}

// Quantile is that of the normal distribution for a confidence from 0.5 to 1.
func Quantile(confidence float64) float64 {
	if !(confidence > 0.5) {
		return 0
	}
	return math.Sqrt2 * math.Erfinv(2*confidence-1)
}
