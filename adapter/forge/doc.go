// Package forge talks to the HTTP APIs of GitHub, GitLab and Gitea: it fills
// the ports of deliver/forge. A branch, its commit and a pull request are made
// through the forge's own API, so that a token is all the credentials it takes;
// nothing is cloned and nothing is pushed.
//
// A forge is outside input: answers are bounded, redirects to other hosts are
// not followed, and what an answer says gets into an error only as far as it is
// the forge's own message. The token is in no error.
package forge
