package cause

// quartiles returns the quartiles of values and reorders them. There must be one
// at least.
func quartiles(v []float64) (low, middle, high float64) {
	n := len(v)
	m := n / 2
	middle = selectAt(v, m)
	low, high = selectAt(v[:m+1], n/4), middle
	if h := n * 3 / 4; h > m {
		high = selectAt(v[m:], h-m)
	}
	if n%2 == 0 && m > 0 {
		middle = (middle + maxOf(v[:m])) / 2
	}
	return low, middle, high
}

func maxOf(v []float64) float64 {
	m := v[0]
	for _, x := range v[1:] {
		m = max(m, x)
	}
	return m
}

// selectAt puts the k-th smallest value into its place, none larger before it
// and none smaller behind, and returns it. The pivot is the median of three:
// time that grows with the square needs values made for it, and their number is
// bounded.
func selectAt(v []float64, k int) float64 {
	lo, hi := 0, len(v)-1
	for lo < hi {
		mid := int(uint(lo+hi) / 2)
		if v[mid] < v[lo] {
			v[mid], v[lo] = v[lo], v[mid]
		}
		if v[hi] < v[lo] {
			v[hi], v[lo] = v[lo], v[hi]
		}
		if v[hi] < v[mid] {
			v[hi], v[mid] = v[mid], v[hi]
		}
		pivot := v[mid]
		i, j := lo, hi
		for i <= j {
			for v[i] < pivot {
				i++
			}
			for pivot < v[j] {
				j--
			}
			if i <= j {
				v[i], v[j] = v[j], v[i]
				i++
				j--
			}
		}
		switch {
		case k <= j:
			hi = j
		case k >= i:
			lo = i
		default:
			return v[k]
		}
	}
	return v[k]
}
