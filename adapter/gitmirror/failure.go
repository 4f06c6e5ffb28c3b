package gitmirror

import (
	"errors"
	"strings"

	"github.com/autoecoops/autoecoops/deliver/giturl"
	"github.com/autoecoops/autoecoops/fault"
)

// symptom is what git says when a call fails, and what that means.
type symptom struct {
	text         string
	kind         fault.Kind
	public, hint string
	is           error // what callers look for, if anything
}

var (
	errRedirected   = errors.New("the server redirects")
	errUnadvertised = errors.New("the server does not hand out objects by their id")
)

// symptoms are looked for in order, in lower case. Git prints them in English
// under LC_ALL=C; that they still are what they were is what the tests of this
// package see to with real servers.
var symptoms = []symptom{
	{"unable to update url base from redirection", fault.Blocked, "the server redirects to another address, which is not followed", "write the new address into the application's source", errRedirected},
	{"the requested url returned error: 30", fault.Blocked, "the server redirects to another address, which is not followed", "write the new address into the application's source", errRedirected},
	{"could not read username", fault.Denied, "the server asks for credentials that it was not given, or refused them", "check the Secret that the source names", nil},
	{"could not read password", fault.Denied, "the server asks for credentials that it was not given, or refused them", "check the Secret that the source names", nil},
	{"authentication failed", fault.Denied, "the server refuses the credentials", "check the Secret that the source names, and whether the token has expired", nil},
	{"returned error: 401", fault.Denied, "the server refuses the credentials", "check the Secret that the source names, and whether the token has expired", nil},
	{"returned error: 403", fault.Denied, "the credentials may not read this repository", "grant the account or token read access", nil},
	{"returned error: 404", fault.NotFound, "there is no such repository, or these credentials may not see it", "check the address and the credentials", nil},
	{"repository not found", fault.NotFound, "there is no such repository, or these credentials may not see it", "check the address and the credentials", nil},
	{"does not appear to be a git repository", fault.NotFound, "there is no repository at this address", "check the address", nil},
	{"access denied or repository not exported", fault.NotFound, "there is no such repository, or it is not exported", "check the address", nil},
	{"' not found", fault.NotFound, "there is no repository at this address", "check the address", nil},
	{"not valid: is this a git repository?", fault.NotFound, "there is no Git repository at this address", "check the address", nil},
	{"couldn't find remote ref", fault.NotFound, "the branch or tag is gone", "push it again, or name another", nil},
	{"certificate", fault.Blocked, "the server's certificate is not trusted", "put the CA's certificate into the Secret that the source names", nil},
	{"server does not allow request for unadvertised object", fault.NotFound, "the server does not hand out this commit", "name a branch or tag that contains it", errUnadvertised},
	{"not our ref", fault.NotFound, "the server has no such commit", "it may have been removed by a force-push; name one that a branch or tag contains", nil},
	{"over limit", fault.Blocked, "an object of the repository needs more memory than allowed", "remove the huge file from the repository, or raise the operator's limit", nil},
	{"no space left on device", fault.Blocked, "the disk of the cache is full", "free space on the cache's volume", nil},
	{"repository corruption on the remote side", fault.Blocked, "the server says that its repository is damaged", "run git fsck on the server", nil},
	{"not a tree", fault.Blocked, "the repository holds objects that are malformed", "see git fsck in a clone of the repository", nil},
	{"fsck error", fault.Blocked, "the repository holds objects that are malformed or dangerous", "see git fsck in a clone of the repository", nil},
	{"transport '", fault.Denied, "this way of reaching a repository is not allowed", "use https or ssh", nil},
}

// failure turns what git said into a fault.
func failure(a giturl.Address, err error, complaint string) error {
	const op = "read git repository"
	if errors.Is(err, errDisk) {
		return fault.New(fault.Blocked, op, a.String(), "it is larger than a mirror may be", "remove large files from the repository, or raise the operator's limit")
	}
	cause := errors.Join(err, complaintOf(complaint))
	low := strings.ToLower(ownLines(complaint))
	for _, s := range symptoms {
		if strings.Contains(low, s.text) {
			return &fault.Error{Kind: s.kind, Op: op, Subject: a.String(), Public: s.public, Hint: s.hint, Cause: errors.Join(s.is, cause)}
		}
	}
	return &fault.Error{Kind: fault.Unavailable, Op: op, Subject: a.String(), Public: "the server cannot be reached or broke off", Hint: "check the address, the network and the server; it is tried again", Cause: cause}
}

// complaintOf keeps the last lines of what git printed.
func complaintOf(text string) error {
	text = strings.TrimSpace(text)
	if text == "" {
		return nil
	}
	lines := strings.Split(text, "\n")
	text = strings.Join(lines[max(0, len(lines)-4):], "; ")
	if len(text) > 600 {
		text = text[:600] + "…"
	}
	return errors.New(strings.ToValidUTF8(text, "?"))
}

// ownLines leaves out what the server had printed: it could claim anything.
func ownLines(text string) string {
	var own []string
	for line := range strings.Lines(text) {
		if !strings.HasPrefix(line, "remote: ") {
			own = append(own, line)
		}
	}
	return strings.Join(own, "")
}
