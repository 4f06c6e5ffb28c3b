// Package quickselect finds values by their rank without sorting all of them.
package quickselect

import "cmp"

// Kth puts the k-th smallest value, from 0 on, into its place, none larger before it
// and none smaller behind, and returns it. Values that are not numbers must not be among
// them. The pivot is the median of three: time that grows with the square needs values
// made for it, so that the number of those that strangers give is for callers to bound.
func Kth[T cmp.Ordered](v []T, k int) T {
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
