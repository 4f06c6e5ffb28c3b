package ops

// CheckID is the readable slug of a check, such as "k8s-privileged-container".
type CheckID string

// Status is what one check says of one place.
type Status string

// The statuses. Unknown is an answer of its own: it is never a pass, and it
// has no severity in a gate. Excepted is a fail that somebody answers for.
const (
	Pass     Status = "pass"
	Fail     Status = "fail"
	Unknown  Status = "unknown"
	Excepted Status = "excepted"
)

// Edit replaces the lines Line to EndLine of File (counted from 1, both
// included) by Text. EndLine = Line-1 inserts before Line.
type Edit struct {
	File    string `json:"file"`
	Line    int    `json:"line"`
	EndLine int    `json:"endLine"`
	Text    string `json:"text"`
}

// Finding is one deviation from a practice, at the line a person must edit.
type Finding struct {
	Check    CheckID  `json:"check"`
	Severity Severity `json:"severity"`
	Status   Status   `json:"status"`
	Message  string   `json:"message"`
	Fix      string   `json:"fix"`
	Position
	Object Ref `json:"object"`
	// Path is the field's place in the object, as in spec.containers[0].image.
	Path string `json:"path"`
	// Via lists the overlays and values files that bring the finding out.
	Via []string `json:"via"`
	// Controls are ids such as "soc2:CC6.1".
	Controls []string `json:"controls"`
	// Fingerprint identifies the finding across commits: it is made of the
	// check, the object and the field, never of a line number.
	Fingerprint string `json:"fingerprint"`
	// Origin says what kind of place Position is: manifest, base, patch,
	// generator, transformer, template or values.
	Origin string `json:"origin,omitempty"`
	// Exception is why the finding does not count; only with Excepted.
	Exception *Exception `json:"exception,omitempty"`
	// Edits is a patch that removes the finding, when one is known.
	Edits []Edit `json:"edits,omitempty"`
}

// Exception is somebody's answer for a finding that is not going to be fixed
// before Expires (a date, YYYY-MM-DD).
type Exception struct {
	Reason  string `json:"reason"`
	Owner   string `json:"owner"`
	Expires string `json:"expires"`
	Source  string `json:"source"`
}
