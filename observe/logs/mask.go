package logs

import "bytes"

// constant tells of words that are values wherever they stand.
func constant(w []byte) bool {
	switch len(w) {
	case 3:
		return string(w) == "nil"
	case 4:
		return string(w) == "true" || string(w) == "null" || string(w) == "True" || string(w) == "None" || string(w) == "TRUE" || string(w) == "NULL"
	case 5:
		return string(w) == "false" || string(w) == "False" || string(w) == "FALSE"
	}
	return false
}

// unit tells of units of sizes, which change with the value.
func unit(w []byte) bool {
	switch len(w) {
	case 1:
		return w[0] == 'B'
	case 2:
		return w[1] == 'B' && bytes.IndexByte([]byte("KMGTk"), w[0]) >= 0
	case 3:
		return w[2] == 'B' && w[1] == 'i' && bytes.IndexByte([]byte("KMGT"), w[0]) >= 0
	}
	return false
}

// keepsValue tells whether the word at i is a key whose value belongs to the
// message: its level.
func keepsValue(s *scan, i int) bool {
	if i < 0 {
		return false
	}
	return levelKey(s.text[s.from[i]:s.to[i]])
}

// special takes a word that has digits, slashes or an at sign.
func (s *scan) special(start, end int, flags uint8) int {
	word := s.text[start:end]
	if word[0] == '/' && s.next(end) == '?' {
		end = address(s.text, end)
		s.put(start, end, wild)
		return end
	}
	if flags&at != 0 {
		if next, ok := s.split(start, end, word); ok {
			return next
		}
	}
	switch {
	case s.next(end) == '=' && class[word[0]]&digit == 0 && flags&(slash|at|backslash) == 0:
		s.put(start, end, fixed)
	case s.assigned() && bytes.IndexByte([]byte("({["), s.next(end)) < 0:
		s.put(start, end, wild)
	case s.next(end) == ':' && end+1 < len(s.text) && s.text[end+1] == ' ' && class[word[0]]&(lower|upper) != 0 && flags&(slash|at|backslash) == 0 && numerals(word) <= 3:
		s.put(start, end, soft)
	case flags&digit != 0:
		s.put(start, end, numbered(word, flags))
	case flags&slash != 0 && (word[0] == '/' && len(word) > 1 || bytes.Count(word, []byte("/")) > 1):
		s.put(start, end, wild)
	case flags&backslash != 0 && bytes.Count(word, []byte("\\")) > 1:
		s.put(start, end, wild)
	default:
		s.put(start, end, fixed)
	}
	return end
}

func hexadecimal(w []byte) bool {
	for _, c := range w {
		if class[c] != digit && (c|0x20 < 'a' || c|0x20 > 'f') {
			return false
		}
	}
	return true
}

// hardware returns where an address of hardware ends, as in 00:1c:ba:fe:01:02;
// 0 if there is none of three parts or more.
func hardware(text []byte, i int) int {
	parts := 0
	for ; i+2 <= len(text) && hexadecimal(text[i:i+2]); parts++ {
		i += 2
		if i == len(text) || text[i] != ':' {
			parts++
			break
		}
		i++
	}
	if parts < 3 || i < len(text) && class[text[i]]&^dot != 0 || i+1 < len(text) && text[i] == '.' && class[text[i+1]] != 0 {
		return 0
	}
	return i
}

// split parts a word at its at sign: "Listener@1f2e" is a name and a value. An
// address of mail is a value.
// It returns where what it took ends.
func (s *scan) split(start, end int, word []byte) (int, bool) {
	i := bytes.IndexByte(word, '@')
	left, right := word[:i], word[i+1:]
	if len(left) == 0 || len(right) == 0 || s.n >= maxWords-2 {
		return 0, false
	}
	if string(right) == "sha256" && s.next(end) == ':' {
		// An image by its digest.
		for end++; end < len(s.text) && class[s.text[end]]&(lower|digit) != 0; end++ {
		}
		s.put(start, end, wild)
		return end, true
	}
	if bytes.IndexByte(right, '.') > 0 {
		s.put(start, end, wild)
		return end, true
	}
	s.special(start, start+i, classes(left))
	s.between = s.between*31 + '@'
	s.sign[0] = '@'
	s.signs++
	return s.special(start+i+1, end, classes(right)&^at), true
}

// numbered tells what a word with digits is. Names with one digit, such as
// ssh2 or eth0, may be words of the message.
func numbered(word []byte, flags uint8) kind {
	if flags&(lower|upper) == 0 || flags&(slash|at|backslash) != 0 || len(word) > maxSoft || class[word[0]]&(lower|upper) == 0 {
		return wild
	}
	if numerals(word) > 1 {
		return wild
	}
	return soft
}

// numerals counts digits.
func numerals(word []byte) (n int) {
	for _, c := range word {
		if class[c]&digit != 0 {
			n++
		}
	}
	return n
}

// calendar returns where a moment ends that is written with names, as in
// "Fri Jul 22 09:27:24 2005" or "Jul 22 09:27:24"; 0 if none starts at i.
func calendar(text []byte, i int) int {
	if weekday(text[i : i+3]) {
		i += 4
	}
	if i+3 >= len(text) || !month(text[i:i+3]) || text[i+3] != ' ' {
		return 0
	}
	i = digits(text, blanks(text, i+4), 2)
	if i == 0 {
		return 0
	}
	end := clock(text, i)
	if end == 0 {
		return 0
	}
	if year := digits(text, blanks(text, end), 4); year > end+4 {
		return year
	}
	return end
}

// digits returns where the digits at i end, 0 if there are none or more than
// most.
func digits(text []byte, i, most int) int {
	from := i
	for i < len(text) && class[text[i]] == digit {
		i++
	}
	if i == from || i-from > most {
		return 0
	}
	return i
}

// clock returns where a time of day ends that a space parts from i, as in
// " 09:27:24,123"; 0 if there is none.
func clock(text []byte, i int) int {
	if i+8 >= len(text) || text[i] != ' ' || text[i+3] != ':' || text[i+6] != ':' || class[text[i+1]]&class[text[i+4]]&class[text[i+7]] != digit {
		return 0
	}
	for i++; i < len(text) && (class[text[i]] == digit || (text[i] == ':' || text[i] == '.' || text[i] == ',') && i+1 < len(text) && class[text[i+1]] == digit); i++ {
	}
	return i
}

func weekday(w []byte) bool {
	switch string(w) {
	case "Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun":
		return true
	}
	return false
}

func month(w []byte) bool {
	switch string(w) {
	case "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec":
		return true
	}
	return false
}

// maxSoft is the longest name with a digit that may be a word of the message.
const maxSoft = 8
