package observe

import (
	"fmt"
	"math"
	"strings"
)

// Quantity writes a value with its unit, for people.
func Quantity(v float64, unit string) string {
	switch {
	case math.IsNaN(v) || math.IsInf(v, 0):
		return "-"
	case math.Abs(v) < nothing: // what arithmetic leaves of 0
		return zero(unit)
	case unit == "s" && math.Abs(v) < 1:
		return fmt.Sprintf("%.3g ms", v*1000)
	case unit == "share":
		return fmt.Sprintf("%.3g%%", v*100)
	case unit == "bytes":
		return bytesOf(v)
	case unit == "":
		return fmt.Sprintf("%.4g", v)
	}
	return fmt.Sprintf("%.3g %s", v, unit)
}

// nothing is less than any unit that is watched can tell from 0.
const nothing = 1e-12

func zero(unit string) string {
	switch unit {
	case "s":
		return "0 ms"
	case "share":
		return "0%"
	case "bytes":
		return "0 B"
	}
	return strings.TrimSpace("0 " + unit)
}

func bytesOf(v float64) string {
	units := []string{"B", "KiB", "MiB", "GiB", "TiB"}
	i := 0
	for i < len(units)-1 && math.Abs(v) >= 1024 {
		v /= 1024
		i++
	}
	return fmt.Sprintf("%.3g %s", v, units[i])
}
