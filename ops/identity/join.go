package identity

// Strength says by what two identities are the same.
type Strength uint8

// The strengths, the weakest first.
const (
	// None: they are different, or too little is known of one.
	None Strength = iota
	// ByService: the same service name, and nothing that contradicts: a part
	// is missing on one side.
	ByService
	// ByKey: service, namespace and environment are the same.
	ByKey
	// ByPod: the same pod.
	ByPod
)

// String returns what the identities were joined by.
func (s Strength) String() string {
	return [...]string{"nothing", "service", "key", "pod"}[s]
}

// Join says by what a and b are the same. It is symmetric. Environments that
// differ are never the same, not even for the same pod's name: two clusters
// have pods of one name.
func Join(a, b Identity) Strength {
	if a.Environment != b.Environment && a.Environment != "" && b.Environment != "" {
		return None
	}
	if a.Pod != "" && a.Pod == b.Pod && compatible(a.KubeNamespace, b.KubeNamespace) {
		return ByPod
	}
	if !a.Known() || a.Service != b.Service {
		return None
	}
	switch {
	case a.Key == b.Key && a.Namespace != "" && a.Environment != "":
		return ByKey
	case compatible(a.Namespace, b.Namespace) || same(a.Namespace, b.KubeNamespace) || same(a.KubeNamespace, b.Namespace) || same(a.KubeNamespace, b.KubeNamespace):
		return ByService
	}
	return None
}

func compatible(a, b string) bool { return a == b || a == "" || b == "" }

func same(a, b string) bool { return a == b && a != "" }
