package main

// scores are the four measures of log parsing on one corpus, each in [0, 1].
type scores struct {
	// GA, grouping accuracy, is the share of lines whose group holds exactly
	// the lines of one true template. FGA is the harmonic mean of the shares of
	// groups and of true templates for which that holds.
	GA, FGA float64
	// PA, parsing accuracy, is the share of lines whose template is the true
	// one, letter by letter. FTA is the harmonic mean of the shares of found
	// and of true templates that are right in text and in lines.
	PA, FTA float64
	// Found and True are the numbers of templates.
	Found, True int
}

// score compares the templates found for lines with the true ones. Lines are of
// one group if group is the same for them.
func score(group []string, text, truth []string) scores {
	s := scores{}
	groups, truths := members(group), members(truth)
	s.Found, s.True = len(groups), len(truths)
	right := 0
	for _, lines := range groups {
		want := truths[truth[lines[0]]]
		same := len(want) == len(lines)
		for i := range lines {
			if same && want[i] != lines[i] {
				same = false
			}
		}
		if same {
			right++
			s.GA += float64(len(lines))
		}
	}
	s.GA /= float64(len(truth))
	s.FGA = harmonic(right, s.Found, s.True)
	exact := 0
	for i := range truth {
		if text[i] == truth[i] {
			s.PA++
		}
	}
	s.PA /= float64(len(truth))
	texts := members(text)
	for t, lines := range texts {
		same := true
		for _, i := range lines {
			same = same && truth[i] == t
		}
		if same {
			exact++
		}
	}
	s.FTA = harmonic(exact, len(texts), s.True)
	return s
}

// harmonic is the mean of right/found and right/wanted.
func harmonic(right, found, wanted int) float64 {
	if right == 0 {
		return 0
	}
	p, r := float64(right)/float64(found), float64(right)/float64(wanted)
	return 2 * p * r / (p + r)
}

// members returns the numbers of the lines that have each value.
func members(values []string) map[string][]int {
	m := map[string][]int{}
	for i, v := range values {
		m[v] = append(m[v], i)
	}
	return m
}
