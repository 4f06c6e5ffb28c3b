package credential

import (
	"regexp"
	"strings"
	"sync"
	"unicode"
)

func blank(c rune) bool {
	return unicode.IsSpace(c) || unicode.Is(unicode.Z, c) || c >= 0x200B && c <= 0x200D || c == 0x2060 || c == 0xFEFF
}

// forms are words that are no values, by how they are written.
var forms = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^(?:\$\{?\w+\}?|%[svdqw]|~?\.{0,2}/.*|[A-Za-z][\w.-]*=.+|[A-Za-z]\w*://.*|[A-Za-z_]+(?:\.[A-Za-z_]+)+|\d+[a-z]{0,2})$`)
})

// Likely tells whether the word that follows the name of a credential is one, by its
// form: it has digits among letters, small letters and then a capital, or odd signs. If
// told, it stands behind "is" or the like: then it is one unless it is a word that one
// says of credentials.
func Likely(word string, told bool) bool {
	low := strings.ToLower(word)
	if len(word) < 3 || ordinary[low] {
		return false
	}
	if told && digits(word) {
		return len(word) > 3
	}
	if forms().MatchString(word) {
		return false
	}
	var letters, numerals, odd, turned bool
	before := rune(0)
	for _, c := range word {
		switch {
		case unicode.IsLetter(c):
			letters = true
			turned = turned || unicode.IsUpper(c) && unicode.IsLower(before)
		case unicode.IsDigit(c):
			numerals = true
		default:
			odd = odd || strings.ContainsRune("!@#$%^&*+=~|", c)
		}
		before = c
	}
	switch {
	case !letters:
		return false // a number, a time, an address
	case numerals:
		return len(word) >= 4
	case turned && len(word) >= 6, odd:
		return true
	}
	return told && !saidOf(low)
}

func digits(word string) bool { return strings.Trim(word, "0123456789") == "" }

// saidOf tells of words that end as those do that one says of things.
func saidOf(low string) bool {
	for _, end := range []string{"ed", "ing", "able", "ible", "ive", "ful", "less", "ly"} {
		if len(low) > len(end)+1 && strings.HasSuffix(low, end) {
			return true
		}
	}
	return false
}

// punctuation tells of a text of signs, or of one character, as parsers name their
// tokens.
func punctuation(text string) bool {
	runes := []rune(text)
	return len(runes) == 1 || !strings.ContainsFunc(text, func(c rune) bool { return unicode.IsLetter(c) || unicode.IsDigit(c) })
}

// object tells whether a word names a Secret of Kubernetes: a name of one, of which is
// said what is said of objects.
func object(match, word, after string) bool {
	kind := strings.ToLower(strings.TrimRight(match, " \t\"'"))
	if !strings.HasSuffix(kind, "secret") && !strings.HasSuffix(kind, "secrets") || strings.Trim(word, "abcdefghijklmnopqrstuvwxyz0123456789.-/") != "" {
		return false
	}
	if strings.Count(word, "/") == 1 {
		return true
	}
	after = strings.TrimLeft(after, "\"'\\ ")
	for _, said := range []string{"not found", "is forbidden", "already exists", "not registered", "in namespace", "does not exist", "in the namespace"} {
		if strings.HasPrefix(after, said) {
			return true
		}
	}
	return false
}

// ordinary are words that one says of credentials, or beside their name.
var ordinary = func() map[string]bool {
	all := map[string]bool{}
	for _, w := range strings.Fields(`wrong invalid incorrect empty null nil none undefined blank okay fine good bad weak
		strong old new same different not now also still just too very the this that these those your our its his her
		their unset set out over under about due correct valid unknown ready present absent safe secret default short
		long longer shorter older newer weaker stronger other never stale right true false been here there what where which who how why kept sent read held left lost shown
		known given taken found made gone built written hidden broken stolen chosen bound similar equal less more most
		plain text plaintext public private optional identical and but for from with without into than then when only
		must should may can will has had have does did are was were off yet any all one two three again both
		sha1 sha256 sha384 sha512 md5 bcrypt argon2 base64 utf8 oauth oauth2 bearer basic jwt auth uri url json yaml
		case case-sensitive single-use per-user at-rest up-to-date out-of-date read-only part full outdated`) {
		all[w] = true
	}
	return all
}()
