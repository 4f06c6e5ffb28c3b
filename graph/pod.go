package graph

import (
	"iter"

	"github.com/autoecoops/autoecoops/graph/tree"
)

// Pod is a pod as an object describes it: a Pod itself, or the template of a
// Deployment, Job, Rollout or any other kind that makes pods.
type Pod struct {
	// Object owns the template.
	Object *Object
	// Template holds metadata and spec; for a Pod it is the object itself.
	Template tree.Node
	// Spec is the pod spec.
	Spec tree.Node
	// Containers are the init, the regular and the ephemeral containers, in
	// this order.
	Containers []Container
}

// ContainerType tells the lists of containers in a pod spec apart.
type ContainerType uint8

// The container types. A Sidecar is an init container that keeps running
// (restartPolicy: Always).
const (
	Regular ContainerType = iota
	Init
	Sidecar
	Ephemeral
)

// Container is one container of a pod.
type Container struct {
	Pod  *Pod
	Node tree.Node
	Name string
	Type ContainerType
}

// Security returns the container's own securityContext.
func (c *Container) Security() tree.Node { return c.Node.Get("securityContext") }

// LongRunning reports whether the container is meant to run as long as its
// pod: a regular container or a sidecar.
func (c *Container) LongRunning() bool { return c.Type == Regular || c.Type == Sidecar }

// Labels returns the labels of the pods.
func (p *Pod) Labels() Labels { return Labels{p.Template.At("metadata", "labels")} }

// Annotation returns an annotation of the pods.
func (p *Pod) Annotation(name string) string {
	return p.Template.At("metadata", "annotations", name).Text()
}

// Security returns the pod's securityContext.
func (p *Pod) Security() tree.Node { return p.Spec.Get("securityContext") }

// ServiceAccount returns the name of the account that the pods run as, which
// is "default" if none is named, and the field that names it.
func (p *Pod) ServiceAccount() (name string, at tree.Node) {
	for _, k := range [...]string{"serviceAccountName", "serviceAccount"} {
		if n := p.Spec.Get(k); n.Text() != "" {
			return n.Text(), n
		}
	}
	return "default", tree.Node{}
}

// Finite reports whether the pods are meant to end: those of a Job or CronJob.
func (p *Pod) Finite() bool { return p.Object.Kind == "Job" || p.Object.Kind == "CronJob" }

// Windows reports whether the pods run on Windows.
func (p *Pod) Windows() bool {
	return p.Spec.At("os", "name").Text() == "windows" || p.Spec.At("nodeSelector", "kubernetes.io/os").Text() == "windows"
}

// Replicas returns how many pods the object asks for, 1 where it doesn't say,
// and whether it is a kind that says.
func (p *Pod) Replicas() (n int64, scalable bool) {
	switch p.Object.Kind {
	case "Deployment", "StatefulSet", "ReplicaSet", "ReplicationController", "Rollout":
		return p.Object.Spec().Get("replicas").IntOr(1), true
	}
	return 1, false
}

// Each iterates over the containers.
func (p *Pod) Each() iter.Seq[*Container] {
	return func(yield func(*Container) bool) {
		for i := range p.Containers {
			if !yield(&p.Containers[i]) {
				return
			}
		}
	}
}

// podTemplate finds where an object keeps its pod template. Kinds that are
// not known are recognised by their shape.
func podTemplate(kind string, body tree.Node) tree.Node {
	spec := body.Get("spec")
	switch kind {
	case "Pod":
		return body
	case "CronJob":
		return spec.At("jobTemplate", "spec", "template")
	case "PodTemplate":
		return body.Get("template")
	}
	if t := spec.Get("template"); t.At("spec", "containers").IsList() {
		return t
	}
	return tree.Node{}
}

func newPod(o *Object) *Pod {
	t := podTemplate(o.Kind, o.Body)
	spec := t.Get("spec")
	if !spec.IsMap() {
		return nil
	}
	p := &Pod{Object: o, Template: t, Spec: spec}
	p.add(spec.Get("initContainers"), Init)
	p.add(spec.Get("containers"), Regular)
	p.add(spec.Get("ephemeralContainers"), Ephemeral)
	return p
}

func (p *Pod) add(list tree.Node, t ContainerType) {
	for _, n := range list.Items() {
		if !n.IsMap() {
			continue
		}
		c := Container{Pod: p, Node: n, Name: n.Get("name").Text(), Type: t}
		if t == Init && n.Get("restartPolicy").Text() == "Always" {
			c.Type = Sidecar
		}
		p.Containers = append(p.Containers, c)
	}
}
