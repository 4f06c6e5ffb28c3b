package ledger

import "fmt"

// maxSources bounds the sources whose numbers are followed.
const maxSources = 100_000

// counts follows the numbers of the sources' records.
type counts struct {
	last map[string]int64
	// lost tells that entries could not be read, so that a source's next number
	// may be any.
	lost bool
	full bool
}

func newCounts() *counts { return &counts{last: map[string]int64{}} }

// lose forgets the numbers, because entries are missing.
func (c *counts) lose() {
	c.last = map[string]int64{}
	c.lost = true
}

// count takes the next number of a source, and says what is wrong with it.
func (c *counts) count(source string, n int64) string {
	last, seen := c.last[source]
	if !seen && len(c.last) >= maxSources {
		if c.full {
			return ""
		}
		c.full = true
		return fmt.Sprintf("there are more than %d sources: the numbers of further ones are not checked", maxSources)
	}
	c.last[source] = n
	switch {
	case n == last+1 || !seen && c.lost:
		return ""
	case n == last+2:
		return fmt.Sprintf("the source %q has not recorded its number %d", source, last+1)
	case n > last:
		return fmt.Sprintf("the source %q has not recorded its numbers %d to %d", source, last+1, n-1)
	}
	return fmt.Sprintf("it is number %d of the source %q, which was at %d", n, source, last)
}
