// Package signature decides whether a commit or a tag was signed by somebody
// who is trusted.
//
// Git signs a commit's text without its signature header, and a tag's text up
// to the signature at its end, in one of three ways: OpenPGP (gpg), SSH keys
// (ssh-keygen -Y sign) and X.509 certificates (gpgsm, smimesign, gitsign). The
// verdict is Good only if every step was shown; anything that is not
// understood, not present, or could be read in two ways is a refusal with its
// reason. What is verified is bound to the object's id, so that a signature of
// one text never stands for another.
//
// When a key must be valid:
//   - OpenPGP keys now, as gpg and git verify-commit have it: the signature's
//     own time is whatever its maker says. A revoked key is refused whatever
//     the reason, a key's and a signature's expiry too.
//   - SSH keys (valid-after, valid-before, certificates) and X.509 certificates
//     at the time that the commit states, as git has it. Short-lived
//     certificates could not be used otherwise.
//
// SHA-1, MD5 and RIPEMD-160 signatures, DSA, and RSA below 2048 bits are weak
// and refused.
//
// A signature proves who made a commit, not that it is the newest: who can
// move a branch can move it back to an older signed commit. The release's
// history shows that.
package signature
