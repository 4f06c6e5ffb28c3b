package record

import (
	"fmt"
	"html"
	"math"
	"os"
	"strings"
	"unicode/utf8"
)

// Chart writes the figures that have a goal as an SVG picture: one bar each, in
// parts of its goal, with the goal as a line. For "at least" goals the bar is
// turned round, so that shorter is better everywhere.
func (r *Results) Chart(file, title string) error {
	const row, top, longest = 30, 56, 1.5
	label := 330
	for _, f := range r.figures {
		if _, ok := shareOf(f); ok {
			label = max(label, 20+utf8.RuneCountInString(f.Name)*13/2) // about the width of a letter
		}
	}
	width := label + 430
	var bars []string
	y := top
	for _, f := range r.figures {
		share, ok := shareOf(f)
		if !ok {
			continue
		}
		color := "#2a7d4f"
		if !f.Holds {
			color = "#b3261e"
		}
		length := math.Min(share, longest) / longest * float64(width-label-110)
		bars = append(bars, fmt.Sprintf(`<text x="%d" y="%d" text-anchor="end">%s</text><rect x="%d" y="%d" width="%.1f" height="16" rx="2" fill="%s"/><text x="%.1f" y="%d">%s</text>`,
			label-10, y+13, html.EscapeString(f.Name), label, y, length, color, float64(label)+length+8, y+13,
			html.EscapeString(fmt.Sprintf("%.3g %s (%s)", f.Value, f.Unit, f.Goal))))
		y += row
	}
	line := float64(label) + float64(width-label-110)/longest
	svg := fmt.Sprintf(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="sans-serif" font-size="12" fill="#222"><rect width="100%%" height="100%%" fill="#fff"/><text x="16" y="26" font-size="16" font-weight="bold">%s</text><text x="16" y="44" fill="#666">%s</text>%s<line x1="%.1f" y1="%d" x2="%.1f" y2="%d" stroke="#222" stroke-dasharray="4 3"/><text x="%.1f" y="%d" text-anchor="middle" fill="#666">goal</text></svg>`,
		width, y+30, html.EscapeString(title), html.EscapeString(r.machine), strings.Join(bars, ""), line, top-6, line, y, line, y+16)
	return os.WriteFile(file, []byte(svg+"\n"), 0o644)
}

// shareOf is a figure in parts of its goal, the smaller the better; ok is false for one
// without a goal. Of a goal that is nothing, nothing is no part, and all else is too much.
func shareOf(f Figure) (share float64, ok bool) {
	if f.NotMeasured != "" {
		return 0, false
	}
	var goal float64
	if _, err := fmt.Sscanf(f.Goal, "≥ %g", &goal); err == nil {
		return ratio(goal, f.Value), true
	}
	if _, err := fmt.Sscanf(f.Goal, "≤ %g", &goal); err == nil {
		return ratio(f.Value, goal), true
	}
	return 0, false
}

func ratio(a, b float64) float64 {
	switch {
	case b > 0:
		return max(0, a/b)
	case a <= 0:
		return 0
	}
	return math.Inf(1)
}
