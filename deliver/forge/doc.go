// Package forge decides what AutoEcoOps asks of a forge (GitHub, GitLab,
// Gitea): which files a revert pull request puts back, what it says, and which
// status a release gives a commit. It does no input or output: an adapter fills
// Repository.
//
// A revert restores, file by file, what the last good commit had, for exactly
// the files that changed from there to the bad commit and that the application
// is made of. However many commits and merges lie between, that is the same.
// A file that somebody changed again after the bad commit is a conflict: then
// nothing is proposed, because only a person can tell what is meant.
package forge
