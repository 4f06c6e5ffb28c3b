package kube

import "context"

// PodName names a pod.
type PodName struct{ Namespace, Name string }

// PodWatch follows the pods of a namespace.
type PodWatch struct {
	Client *Client
	// Namespace is "" for all.
	Namespace string
	// Changed is told of each pod that is there, Gone of each that is not any more;
	// one call at a time.
	Changed func(Pod)
	Gone    func(PodName)
	// Trouble is told of what is tried again.
	Trouble func(error)
	// Listed, if not nil, is told each time that all pods were read.
	Listed func()
}

// Run follows until ctx ends.
func (w *PodWatch) Run(ctx context.Context) {
	(&objectWatch[podItem]{
		client: w.Client, path: podsPath(w.Namespace), plural: "pods", trouble: w.Trouble, listed: w.Listed,
		list:    func(ctx context.Context) ([]podItem, string, error) { return w.Client.podItems(ctx, w.Namespace) },
		changed: func(item podItem) { w.Changed(item.pod()) },
		gone:    func(k objectKey) { w.Gone(PodName{k[0], k[1]}) },
	}).run(ctx)
}

func (item podItem) key() objectKey  { return objectKey{item.Metadata.Namespace, item.Metadata.Name} }
func (item podItem) version() string { return item.Metadata.ResourceVersion }
