package record

import (
	"fmt"
	"html"
	"math"
	"os"
	"strings"
)

// Chart writes the figures that have a goal as an SVG picture: one bar each, in
// parts of its goal, with the goal as a line. For "at least" goals the bar is
// turned round, so that shorter is better everywhere.
func (r *Results) Chart(file, title string) error {
	const width, label, row, top = 760, 330, 30, 56
	var bars []string
	y := top
	for _, f := range r.figures {
		var goal float64
		if _, err := fmt.Sscanf(f.Goal, "≤ %g", &goal); err != nil {
			if _, err := fmt.Sscanf(f.Goal, "≥ %g", &goal); err != nil {
				continue
			}
		}
		share := f.Value / goal
		if strings.HasPrefix(f.Goal, "≥") {
			share = goal / f.Value
		}
		color := "#2a7d4f"
		if !f.Holds {
			color = "#b3261e"
		}
		length := math.Min(share, 1.5) / 1.5 * (width - label - 110)
		bars = append(bars, fmt.Sprintf(`<text x="%d" y="%d" text-anchor="end">%s</text><rect x="%d" y="%d" width="%.1f" height="16" rx="2" fill="%s"/><text x="%.1f" y="%d">%s</text>`,
			label-10, y+13, html.EscapeString(f.Name), label, y, length, color, float64(label)+length+8, y+13,
			html.EscapeString(fmt.Sprintf("%.3g %s (%s)", f.Value, f.Unit, f.Goal))))
		y += row
	}
	line := float64(label) + (width-label-110)/1.5
	svg := fmt.Sprintf(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="sans-serif" font-size="12" fill="#222"><rect width="100%%" height="100%%" fill="#fff"/><text x="16" y="26" font-size="16" font-weight="bold">%s</text><text x="16" y="44" fill="#666">%s</text>%s<line x1="%.1f" y1="%d" x2="%.1f" y2="%d" stroke="#222" stroke-dasharray="4 3"/><text x="%.1f" y="%d" text-anchor="middle" fill="#666">goal</text></svg>`,
		width, y+30, html.EscapeString(title), html.EscapeString(r.machine), strings.Join(bars, ""), line, top-6, line, y, line, y+16)
	return os.WriteFile(file, []byte(svg+"\n"), 0o644)
}
