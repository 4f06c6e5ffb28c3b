// Package giturl reads the addresses of Git repositories.
//
// An address comes from a person or a forge and ends in the arguments of a
// program, so it is taken apart strictly: only forms that name a repository
// over https, http, ssh or file are addresses. Everything else that Git would
// accept (ext::, fd::, options, relative paths, credentials inside of the
// address) is refused with the reason.
package giturl

import (
	"net/netip"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/autoecoops/autoecoops/fault"
)

// MaxLength bounds an address, in bytes.
const MaxLength = 2048

// Scheme is the way in which a repository is reached.
type Scheme string

// The schemes.
const (
	HTTPS Scheme = "https"
	HTTP  Scheme = "http"
	SSH   Scheme = "ssh"
	File  Scheme = "file"
)

// ports are what a scheme uses unless another is written.
var ports = map[Scheme]string{HTTPS: "443", HTTP: "80", SSH: "22"}

// Address is one repository, as Parse read it. Every part is plain text that
// can stand in an argument or a log line.
type Address struct {
	Scheme Scheme
	// User is the login name of an ssh address, "" for the rest.
	User string
	// Host is in lower case, an IPv6 address in brackets; "" for files.
	Host string
	// Port is "" for the scheme's own.
	Port string
	// Path begins with a slash; in the short form HOST:PATH it may begin
	// without one, and is then relative to the login's folder on the server.
	Path string
}

const op = "read repository address"

func refuse(s, why, hint string) error {
	return fault.New(fault.Invalid, op, Redact(s), why, hint)
}

const formsHint = "write https://HOST/PATH, ssh://USER@HOST/PATH, USER@HOST:PATH or file:///PATH"

// Parse reads an address in the forms SCHEME://HOST/PATH and USER@HOST:PATH.
// The error is fault.Invalid and shows no credentials.
func Parse(s string) (Address, error) {
	switch {
	case s == "":
		return Address{}, refuse(s, "it is empty", formsHint)
	case len(s) > MaxLength:
		return Address{}, fault.New(fault.Invalid, op, "", "it is longer than "+strconv.Itoa(MaxLength)+" bytes", formsHint)
	case !utf8.ValidString(s) || strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || unicode.IsControl(r) || unicode.IsSpace(r) }):
		return Address{}, refuse(s, "it contains spaces or control characters", formsHint)
	case s[0] == '-':
		return Address{}, refuse(s, "it begins like an option", formsHint)
	}
	if scheme, rest, ok := strings.Cut(s, "://"); ok && !strings.Contains(scheme, "::") {
		return parseURL(s, Scheme(strings.ToLower(scheme)), rest)
	}
	if i := strings.Index(s, "::"); i >= 0 && !strings.Contains(s[:i], "[") {
		return Address{}, refuse(s, "it asks Git to run a transport program ("+clip(s[:i])+"::)", formsHint)
	}
	return parseShort(s)
}

func clip(s string) string {
	if len(s) > 32 {
		return s[:32] + "…"
	}
	return s
}

func parseURL(s string, scheme Scheme, rest string) (Address, error) {
	switch scheme {
	case HTTPS, HTTP, SSH, File:
	default:
		return Address{}, refuse(s, "the scheme "+clip(string(scheme))+" is not supported", formsHint)
	}
	if strings.ContainsAny(rest, "?#") {
		return Address{}, refuse(s, "an address has no query and no fragment", "name the branch, tag or commit in its own field")
	}
	authority, p, _ := strings.Cut(rest, "/")
	a := Address{Scheme: scheme, Path: "/" + p}
	if scheme == File {
		if authority != "" && authority != "localhost" {
			return Address{}, refuse(s, "a file address names no host", "write file:///PATH")
		}
		return a.checked(s)
	}
	if at := strings.LastIndexByte(authority, '@'); at >= 0 {
		if scheme != SSH || strings.Contains(authority[:at], ":") {
			return Address{}, refuse(s, "it contains credentials", "put them in a Secret and name it in the application's source")
		}
		a.User, authority = authority[:at], authority[at+1:]
		if a.User == "" {
			return Address{}, refuse(s, "the login name is empty", formsHint)
		}
	}
	host, port, err := splitPort(s, authority)
	if err != nil {
		return Address{}, err
	}
	a.Host = host
	if port != ports[scheme] {
		a.Port = port
	}
	return a.checked(s)
}

func splitPort(s, authority string) (host, port string, err error) {
	host = authority
	if end := strings.LastIndexByte(authority, ']'); strings.HasPrefix(authority, "[") && end > 0 {
		host, port = authority[:end+1], authority[end+1:]
	} else if i := strings.LastIndexByte(authority, ':'); i >= 0 {
		host, port = authority[:i], authority[i:]
	}
	if port == "" {
		return host, "", nil
	}
	n, parseErr := strconv.ParseUint(strings.TrimPrefix(port, ":"), 10, 16)
	if port[0] != ':' || parseErr != nil || n == 0 {
		return "", "", refuse(s, "the port is no number from 1 to 65535", formsHint)
	}
	return host, strconv.FormatUint(n, 10), nil
}

// parseShort reads USER@HOST:PATH. A user is required, since HOST:PATH alone
// could as well be a mistyped scheme.
func parseShort(s string) (Address, error) {
	at := strings.IndexByte(s, '@')
	if at <= 0 {
		return Address{}, refuse(s, "it is no address of a repository", formsHint)
	}
	user, rest := s[:at], s[at+1:]
	from := 0
	if strings.HasPrefix(rest, "[") {
		from = max(0, strings.IndexByte(rest, ']'))
	}
	colon := strings.IndexByte(rest[from:], ':')
	if colon < 0 || strings.Contains(rest[:from+colon], "/") {
		return Address{}, refuse(s, "it is no address of a repository", formsHint)
	}
	return Address{Scheme: SSH, User: user, Host: rest[:from+colon], Path: rest[from+colon+1:]}.checked(s)
}

// checked completes an address, or refuses it.
func (a Address) checked(s string) (Address, error) {
	a.Host = strings.ToLower(a.Host)
	switch {
	case a.Scheme != File && !validHost(a.Host):
		return Address{}, refuse(s, "the host is no name and no IP address", "write a DNS name (an international one as xn--…), an IPv4 address or [IPv6]")
	case a.User != "" && !validUser(a.User):
		return Address{}, refuse(s, "the login name has characters that none has", "write letters, digits, '.', '_' and '-'")
	}
	if strings.ContainsFunc(a.Path, func(r rune) bool { return strings.ContainsRune("\\'\"`$<>|;&*?!{}", r) }) {
		return Address{}, refuse(s, "the path has characters that no repository needs", "rename the repository, or use its percent-encoded address")
	}
	if strings.HasPrefix(strings.TrimLeft(a.Path, "/~"), "-") {
		return Address{}, refuse(s, "the path begins like an option", formsHint)
	}
	for step := range strings.SplitSeq(a.Path, "/") {
		if step == ".." || step == "." || strings.Contains(strings.ToLower(step), "%2e%2e") {
			return Address{}, refuse(s, "the path has steps that lead upwards", "write the path in full")
		}
	}
	if !validEscapes(a.Path) {
		return Address{}, refuse(s, "the path has a percent sign that encodes no character", "write %25 for a percent sign")
	}
	relative := a.Path != "" && a.Path[0] != '/'
	a.Path = strings.Join(strings.FieldsFunc(a.Path, func(r rune) bool { return r == '/' }), "/")
	if !relative {
		a.Path = "/" + a.Path
	}
	if a.Path == "/" || a.Path == "" {
		return Address{}, refuse(s, "it names a host but no repository", formsHint)
	}
	return a, nil
}

func validHost(h string) bool {
	if strings.HasPrefix(h, "[") {
		ip, err := netip.ParseAddr(strings.TrimSuffix(strings.TrimPrefix(h, "["), "]"))
		return err == nil && ip.Is6() && ip.Zone() == "" && strings.HasSuffix(h, "]")
	}
	if h == "" || len(h) > 253 || h[0] == '-' || h[0] == '.' {
		return false
	}
	for label := range strings.SplitSeq(strings.TrimSuffix(h, "."), ".") {
		if label == "" || len(label) > 63 || label[0] == '-' {
			return false
		}
		for _, c := range []byte(label) {
			if !alphanumeric(c) && c != '-' && c != '_' {
				return false
			}
		}
	}
	return true
}

func validUser(u string) bool {
	for i, c := range []byte(u) {
		if !alphanumeric(c) && (i == 0 || c != '-') && c != '_' && c != '.' && c != '+' {
			return false
		}
	}
	return len(u) <= 128
}

func alphanumeric(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' || c >= '0' && c <= '9' }

// validEscapes reports whether each percent sign stands before two hexadecimal
// digits of a byte that is printable.
func validEscapes(p string) bool {
	for i := 0; i < len(p); i++ {
		if p[i] != '%' {
			continue
		}
		if i+2 >= len(p) {
			return false
		}
		c, err := strconv.ParseUint(p[i+1:i+3], 16, 8)
		if err != nil || c < ' ' || c == 0x7f || c == '/' {
			return false
		}
		i += 2
	}
	return true
}

// String returns the address as it is given to Git, in one form for each
// repository and way to it: short forms are written out, the scheme's own
// port is left out.
func (a Address) String() string {
	if a.Scheme == File {
		return "file://" + a.Path
	}
	var b strings.Builder
	b.WriteString(string(a.Scheme) + "://")
	if a.User != "" {
		b.WriteString(a.User + "@")
	}
	b.WriteString(a.Host)
	if a.Port != "" {
		b.WriteString(":" + a.Port)
	}
	if !strings.HasPrefix(a.Path, "/") {
		b.WriteByte('/')
	}
	b.WriteString(a.Path)
	return b.String()
}

// Key is String without the ".git" that forges let one leave out: two
// addresses with one key are the same repository reached in the same way.
func (a Address) Key() string { return strings.TrimSuffix(a.String(), ".git") }

// Identity names the repository whichever way it is reached: "host/path" or
// "host:port/path" in lower case, without ".git". Forges treat letters of
// either case alike, so it may join two repositories of a server that doesn't:
// use it to find what might have changed, never to decide who may read what.
func (a Address) Identity() string {
	p := strings.ToLower(strings.TrimSuffix(strings.TrimPrefix(a.Path, "/"), ".git"))
	if a.Scheme == File {
		return "file:///" + p
	}
	if a.Port != "" {
		return a.Host + ":" + a.Port + "/" + p
	}
	return a.Host + "/" + p
}

// Redact removes user information from what may be an address, so that it can
// be shown.
func Redact(s string) string {
	i := strings.Index(s, "://")
	if i < 0 {
		if len(s) > MaxLength {
			return s[:MaxLength]
		}
		return s
	}
	start := i + len("://")
	end := len(s)
	if j := strings.IndexAny(s[start:], "/?#"); j >= 0 {
		end = start + j
	}
	// A password may itself hold a slash or an at sign, so what stands before
	// the last one is left out wherever it is.
	if at := strings.LastIndexByte(s, '@'); at >= end {
		end = at + 1
	}
	if at := strings.LastIndexByte(s[:end], '@'); at >= start {
		s = s[:start] + s[at+1:]
	}
	if len(s) > MaxLength {
		s = s[:MaxLength]
	}
	return s
}
