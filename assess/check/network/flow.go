package network

import (
	"strconv"
	"strings"

	"github.com/autoecoops/autoecoops/assess/wire"
	"github.com/autoecoops/autoecoops/graph"
	"github.com/autoecoops/autoecoops/graph/tree"
)

// flow is a connection that the manifests declare.
type flow struct {
	from *graph.Pod
	// at is the field that declares it, and what its name for messages.
	at   tree.Node
	what string
	svc  *graph.Object
	// port is the Service's port, 0 where it is not stated.
	port int64
}

// schemePorts are the ports that an address without one means.
var schemePorts = map[string]int64{
	"http": 80, "https": 443, "ws": 80, "wss": 443, "redis": 6379, "rediss": 6379, "postgres": 5432, "postgresql": 5432,
	"mysql": 3306, "mariadb": 3306, "mongodb": 27017, "amqp": 5672, "amqps": 5671, "nats": 4222, "ldap": 389, "memcached": 11211,
}

// declared calls yield for each flow that the environment of a pod's
// containers declares: addresses of Services of the unit.
func declared(g *graph.Graph, pod *graph.Pod, yield func(flow)) {
	for c := range pod.Each() {
		for _, e := range c.Node.Get("env").Items() {
			what := "env " + e.Get("name").Text()
			if v := e.Get("value"); v.Exists() {
				addresses(g, pod, v, v.Text(), what, yield)
				continue
			}
			ref := e.At("valueFrom", "configMapKeyRef")
			if cm := configMap(g, pod, ref.Get("name").Text()); cm != nil {
				v := cm.Body.Get("data").Get(ref.Get("key").Text())
				addresses(g, pod, e, v.Text(), what, yield)
			}
		}
		for _, e := range c.Node.Get("envFrom").Items() {
			ref := e.Get("configMapRef")
			cm := configMap(g, pod, ref.Get("name").Text())
			if cm == nil {
				continue
			}
			for k, v := range cm.Body.Get("data").Fields() {
				addresses(g, pod, ref, v.Text(), "env "+k.Text(), yield)
			}
		}
		for _, a := range c.Node.Get("args").Items() {
			addresses(g, pod, a, a.Text(), "an argument of container "+c.Name, yield)
		}
	}
}

func configMap(g *graph.Graph, pod *graph.Pod, name string) *graph.Object {
	if name == "" {
		return nil
	}
	return g.FindGroup("", "ConfigMap", pod.Object.Namespace, name)
}

// addresses finds the addresses of Services in a text. A bare word is not
// taken for one: there must be a scheme, a port or the cluster's domain.
func addresses(g *graph.Graph, pod *graph.Pod, at tree.Node, text, what string, yield func(flow)) {
	if len(text) > 4096 || !strings.ContainsAny(text, ":.") {
		return
	}
	for word := range strings.FieldsFuncSeq(text, func(r rune) bool { return strings.ContainsRune(" ,;\t\n'\"()|", r) }) {
		if i := strings.LastIndexByte(word, '='); i >= 0 && !strings.Contains(word[:i], "://") {
			word = word[i+1:] // --upstream=http://orders
		}
		if f, ok := address(g, pod, word); ok {
			f.from, f.at, f.what = pod, at, what
			yield(f)
		}
	}
}

func address(g *graph.Graph, pod *graph.Pod, word string) (f flow, ok bool) {
	scheme := ""
	if i := strings.Index(word, "://"); i > 0 {
		scheme = word[strings.LastIndexByte(word[:i], ':')+1 : i]
		word = word[i+3:]
	}
	if i := strings.IndexAny(word, "/?#"); i >= 0 {
		if scheme == "" {
			return f, false // a path or an image
		}
		word = word[:i]
	}
	if i := strings.LastIndexByte(word, '@'); i >= 0 {
		word = word[i+1:]
	}
	host, port, hasPort := strings.Cut(word, ":")
	if hasPort {
		n, err := strconv.ParseInt(port, 10, 32)
		if err != nil || n <= 0 {
			return f, false
		}
		f.port = n
	} else if f.port = schemePorts[scheme]; scheme == "" && !strings.Contains(host, ".svc") {
		return f, false
	}
	name, ns, ok := wire.ServiceHost(host, pod.Object.Namespace)
	if !ok {
		var rest string
		if name, rest, ok = strings.Cut(host, "."); !ok || strings.Contains(rest, ".") {
			return f, false
		}
		ns = rest
	}
	f.svc = g.FindGroup("", "Service", ns, name)
	if f.svc == nil || f.svc.Namespace != ns {
		return f, false
	}
	return f, true
}

// target is a port of the pods behind a Service.
type target struct {
	protocol string
	port     int64
}

// targets returns where a Service sends what arrives at one of its ports, in
// one of its pods; none if that is not certain.
func targets(svc *graph.Object, pod *graph.Pod, port int64) (out []target) {
	ports := svc.Spec().Get("ports")
	headless := svc.Spec().Get("clusterIP").Text() == "None"
	if headless && port != 0 {
		return []target{{"TCP", port}} // names of headless Services are addresses of pods
	}
	for _, sp := range ports.Items() {
		if port != 0 && sp.Get("port").IntOr(-1) != port {
			continue
		}
		if port == 0 && ports.Len() > 1 {
			return nil
		}
		t := target{protocol: sp.Get("protocol").Text()}
		if t.protocol == "" {
			t.protocol = "TCP"
		}
		to := sp.Get("targetPort")
		if to.IsNull() {
			to = sp.Get("port")
		}
		if n, ok := to.Int(); ok {
			t.port = n
		} else {
			for _, n := range pod.Ports() {
				if n.Get("name").Text() == to.Text() {
					t.port = n.Get("containerPort").IntOr(0)
				}
			}
		}
		if t.port > 0 {
			out = append(out, t)
		}
	}
	return out
}
