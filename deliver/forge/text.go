package forge

import (
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/autoecoops/autoecoops/api/v1alpha1"
)

// Label is put on every revert pull request.
const Label = "autoecoops-revert"

// Branch names the branch of a revert: the same for the same application, path
// and bad commit, so that nothing is proposed twice, and another one for
// another application whose files are others.
func Branch(app *v1alpha1.Application, bad string) string {
	place := ""
	if app.Spec.Source != nil {
		place = app.Spec.Source.Path
	}
	sum := sha256.Sum256([]byte(app.Namespace + "/" + app.Name + "\x00" + place))
	return "aeo/revert-" + short(bad) + "-" + hex.EncodeToString(sum[:3])
}

// Title is that of the pull request and of its commit.
func Title(app *v1alpha1.Application, bad string) string {
	return "Revert " + short(bad) + ": it failed in " + app.Namespace + "/" + app.Name
}

// message is the commit's. Nothing that a workload wrote gets into it: forges
// act on words in commit messages.
func message(r Reversion, files int) string {
	n := strconv.Itoa(files) + " files"
	if files == 1 {
		n = "one file"
	}
	return r.Title + "\n\nThis puts " + n + " back to what " + short(r.Good) + " had.\n\nReverts: " + r.Bad + "\nRestores: " + r.Good + "\n"
}

// Bounds of a body, in bytes.
const (
	maxReason   = 2000
	maxEvidence = 8000
	maxLine     = 300
)

// Account is what a pull request tells.
type Account struct {
	Bad, Good string
	// Reason says why the release failed.
	Reason string
	// RolledBack tells that the cluster went back.
	RolledBack bool
	// Release is nil if it could not be read.
	Release *v1alpha1.Release
}

// Body writes the description of a pull request. What a cluster's objects say
// is quoted so that no forge takes it for markup or commands. Logs stay out: a
// repository may have more readers than a cluster.
func Body(app *v1alpha1.Application, f Account) string {
	var b strings.Builder
	b.WriteString("Revision `" + word(f.Bad) + "` was applied to `" + word(app.Namespace+"/"+app.Name) + "` and failed.\n")
	if f.RolledBack {
		b.WriteString("The cluster went back to `" + word(f.Good) + "`. Git still has the failed revision; merging this brings Git back too.\n\n")
	} else {
		b.WriteString("The application has its rollback disabled: the cluster stays as it is until Git changes. Merging this goes back to `" + word(f.Good) + "`.\n\n")
	}
	b.WriteString("Each file of the application that changed between the two is put back to what the good revision had. ")
	b.WriteString("Until Git changes, the failed revision is not tried again.\n\n**Why it failed**\n\n")
	b.WriteString(quoted(clip(f.Reason, maxReason)))
	if r := f.Release; r != nil {
		b.WriteString("\n**Release** `" + word(r.Name) + "`" + times(r.Status.Timings) + "\n")
		if text := evidence(r.Status.Evidence); text != "" {
			b.WriteString("\n**Evidence**, taken before the rollback\n\n" + quoted(text))
		}
		b.WriteString("\nLogs, and all of it: `kubectl -n " + word(app.Namespace) + " get release " + word(r.Name) + " -o yaml`\n")
	}
	return b.String()
}

func times(t v1alpha1.Timings) string {
	var b strings.Builder
	for _, m := range []struct {
		name string
		at   interface{ UTC() time.Time }
		set  bool
	}{{"seen", t.Seen, t.Seen != nil}, {"applied", t.Applied, t.Applied != nil}, {"healthy", t.Healthy, t.Healthy != nil}, {"ended", t.Finished, t.Finished != nil}} {
		if m.set {
			b.WriteString(", " + m.name + " " + m.at.UTC().Format(time.RFC3339))
		}
	}
	return b.String()
}

func evidence(all []v1alpha1.Evidence) string {
	var b strings.Builder
	for _, e := range all {
		if e.Kind == "log" || b.Len() > maxEvidence {
			continue
		}
		at := ""
		if e.Time != nil {
			at = e.Time.UTC().Format(time.RFC3339) + " "
		}
		b.WriteString(clip(at+e.Kind+" "+e.Object+": "+strings.Join(strings.Fields(e.Text), " "), maxLine) + "\n")
	}
	return b.String()
}

// quoted puts text between fences that it cannot contain.
func quoted(text string) string {
	longest, run := 2, 0
	for _, r := range text {
		if r == '`' {
			run++
			longest = max(longest, run)
		} else {
			run = 0
		}
	}
	fence := strings.Repeat("`", longest+1)
	return fence + "text\n" + strings.TrimRight(printable(text), "\n") + "\n" + fence + "\n"
}

// printable drops what hides or reorders text.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r == '\n' || unicode.IsPrint(r) {
			return r
		}
		if r == '\t' || r == '\r' {
			return ' '
		}
		return -1
	}, strings.ToValidUTF8(s, "�"))
}

// word keeps a name from ending the code span that it stands in.
func word(s string) string {
	return strings.ReplaceAll(strings.ReplaceAll(printable(s), "`", ""), "\n", " ")
}

// clip shortens a text to at most n bytes.
func clip(s string, n int) string {
	s = strings.ToValidUTF8(s, "�")
	if len(s) <= n {
		return s
	}
	return strings.ToValidUTF8(s[:n-len("…")], "") + "…"
}
