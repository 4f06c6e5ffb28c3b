package diff

// hunkLine is one line of the difference of two texts: ' ', '-' or '+', or '…'
// for lines left out.
type hunkLine struct {
	sign byte
	text string
}

// The bounds of line differences. Beyond them the texts are shown one after the
// other.
const (
	maxTextLines = 2000
	around       = 2 // lines of context
)

// textDiff returns the lines that differ, with some of what is around them.
func textDiff(from, to []string) []hunkLine {
	start := 0
	for start < min(len(from), len(to)) && from[start] == to[start] {
		start++
	}
	endA, endB := len(from), len(to)
	for endA > start && endB > start && from[endA-1] == to[endB-1] {
		endA, endB = endA-1, endB-1
	}
	var all []hunkLine
	for _, l := range from[:start] {
		all = append(all, hunkLine{' ', l})
	}
	all = append(all, middle(from[start:endA], to[start:endB])...)
	for _, l := range from[endA:] {
		all = append(all, hunkLine{' ', l})
	}
	return shorten(all)
}

// middle is a longest-common-subsequence difference of what is left.
func middle(a, b []string) (out []hunkLine) {
	if len(a)*len(b) > maxTextLines*maxTextLines/4 {
		for _, l := range a {
			out = append(out, hunkLine{'-', l})
		}
		for _, l := range b {
			out = append(out, hunkLine{'+', l})
		}
		return out
	}
	w := len(b) + 1
	common := make([]int32, (len(a)+1)*w)
	for i := len(a) - 1; i >= 0; i-- {
		for j := len(b) - 1; j >= 0; j-- {
			if a[i] == b[j] {
				common[i*w+j] = common[(i+1)*w+j+1] + 1
			} else {
				common[i*w+j] = max(common[(i+1)*w+j], common[i*w+j+1])
			}
		}
	}
	i, j := 0, 0
	for i < len(a) || j < len(b) {
		switch {
		case i < len(a) && j < len(b) && a[i] == b[j]:
			out = append(out, hunkLine{' ', a[i]})
			i, j = i+1, j+1
		case j == len(b) || i < len(a) && common[(i+1)*w+j] >= common[i*w+j+1]:
			out = append(out, hunkLine{'-', a[i]})
			i++
		default:
			out = append(out, hunkLine{'+', b[j]})
			j++
		}
	}
	return out
}

// shorten keeps what differs and what is around it.
func shorten(all []hunkLine) (out []hunkLine) {
	keep := make([]bool, len(all))
	for i, l := range all {
		if l.sign == ' ' {
			continue
		}
		for k := max(0, i-around); k <= min(len(all)-1, i+around); k++ {
			keep[k] = true
		}
	}
	for i, l := range all {
		switch {
		case keep[i]:
			out = append(out, l)
		case i == 0 || keep[i-1]:
			out = append(out, hunkLine{sign: '~'})
		}
	}
	return out
}
