package identity_test

import (
	"maps"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/autoecoops/autoecoops/ops/identity"
)

type labels = map[string]string

func TestOneKey(t *testing.T) {
	cart := identity.Key{Environment: "production", Namespace: "shop", Service: "cart"}
	for name, c := range map[string]struct {
		labels labels
		want   identity.Key
		pod    string
	}{
		"opentelemetry":            {labels{"service.name": "cart", "service.namespace": "shop", "deployment.environment.name": "production", "k8s.pod.name": "cart-1"}, cart, "cart-1"},
		"the old environment":      {labels{"service.name": "cart", "service.namespace": "shop", "deployment.environment": "production"}, cart, ""},
		"sanitised":                {labels{"service_name": "cart", "service_namespace": "shop", "deployment_environment_name": "production", "k8s_pod_name": "cart-1"}, cart, "cart-1"},
		"the seeds' convention":    {labels{"service": "cart", "environment": "production", "namespace": "shop", "instance": "10.0.0.1:80"}, cart, ""},
		"job of two":               {labels{"job": "shop/cart", "environment": "production"}, cart, ""},
		"exported job":             {labels{"job": "otel-collector", "exported_job": "shop/cart", "environment": "production"}, cart, ""},
		"kubernetes' namespace":    {labels{"service.name": "cart", "k8s.namespace.name": "shop", "deployment.environment.name": "production"}, cart, ""},
		"recommended label":        {labels{"app.kubernetes.io/name": "cart", "namespace": "shop", "env": "production"}, cart, ""},
		"its sanitised form":       {labels{"app_kubernetes_io_name": "cart", "namespace": "shop", "env": "production"}, cart, ""},
		"a deployment":             {labels{"k8s.deployment.name": "cart", "k8s.namespace.name": "shop", "env": "production"}, cart, ""},
		"unknown service":          {labels{"service.name": "unknown_service:java", "k8s.deployment.name": "cart", "k8s.namespace.name": "shop", "env": "production"}, cart, ""},
		"a pod of a deployment":    {labels{"pod": "cart-5d9f7c6b8-x2x4z", "namespace": "shop", "env": "production"}, cart, "cart-5d9f7c6b8-x2x4z"},
		"a pod of no deployment":   {labels{"pod": "cart-0", "container": "app"}, identity.Key{Service: "app"}, "cart-0"},
		"a job of the example":     {labels{"job": "kubernetes-pods"}, identity.Key{}, ""},
		"a plain job":              {labels{"job": "cart"}, identity.Key{Service: "cart"}, ""},
		"a job's own group only":   {labels{"service.name": "cart", "job": "other/thing"}, identity.Key{Service: "cart"}, ""},
		"a job of three":           {labels{"job": "a/b/c"}, identity.Key{Service: "a/b/c"}, ""},
		"nothing":                  {labels{}, identity.Key{}, ""},
		"spaces, controls and nul": {labels{"service.name": " c\x00a\nrt\u200b ", "namespace": "shop", "env": "production"}, cart, ""},
		"invalid text":             {labels{"service.name": "a\xffb"}, identity.Key{Service: "a\uFFFDb"}, ""},
	} {
		if got := identity.FromMap(c.labels); got.Key != c.want || got.Pod != c.pod {
			t.Errorf("%s: %+v, want %+v", name, got, c.want)
		}
	}
}

func TestInstance(t *testing.T) {
	for want, l := range map[string]labels{
		"p":  {"pod": "p", "instance": "i"},
		"i":  {"instance": "i", "host.name": "h"},
		"u":  {"service.instance.id": "u", "instance": "i"},
		"h":  {"host.name": "h"},
		"ep": {"exported_pod": "ep", "pod": "scraper"},
	} {
		if got := identity.FromMap(l); got.Instance != want {
			t.Errorf("%v has the instance %q", l, got.Instance)
		}
	}
}

func TestEveryNameIsAskedFor(t *testing.T) {
	known := map[string]bool{}
	for _, n := range identity.Names() {
		known[n] = true
	}
	identity.Of(func(n string) string {
		if !known[n] {
			t.Errorf("%s is asked for and not in Names", n)
		}
		return ""
	})
}

func TestLongValuesStayTwo(t *testing.T) {
	long := strings.Repeat("é", 400)
	a, b := identity.Clean(long+"a"), identity.Clean(long+"b")
	if a == b || len(a) > identity.MaxValue || !utf8.ValidString(a) {
		t.Errorf("%d bytes, %d bytes", len(a), len(b))
	}
	if p := identity.Plain(" a\tb \u200bc\xff "); p != "ab c\uFFFD" || identity.Plain("a b") != "a b" || identity.Plain("") != "" {
		t.Errorf("%q", p)
	}
	if c := identity.Clean(strings.Repeat("x", 10<<20)); len(c) > identity.MaxValue {
		t.Errorf("%d bytes", len(c))
	}
}

func TestJoin(t *testing.T) {
	of := identity.FromMap
	for name, c := range map[string]struct {
		a, b labels
		want identity.Strength
	}{
		"the same pod":         {labels{"k8s.pod.name": "p", "k8s.namespace.name": "n", "service.name": "x"}, labels{"pod": "p", "namespace": "n"}, identity.ByPod},
		"two namespaces' pods": {labels{"pod": "p", "namespace": "n"}, labels{"pod": "p", "namespace": "m"}, identity.None},
		"two clusters' pods":   {labels{"pod": "p", "env": "a"}, labels{"pod": "p", "env": "b"}, identity.None},
		"the whole key":        {labels{"service.name": "s", "service.namespace": "n", "env": "e"}, labels{"job": "n/s", "environment": "e"}, identity.ByKey},
		"no environment":       {labels{"service.name": "s", "service.namespace": "n", "env": "e"}, labels{"job": "n/s"}, identity.ByService},
		"group and namespace":  {labels{"service.name": "s", "service.namespace": "g", "k8s.namespace.name": "n"}, labels{"service": "s", "namespace": "n"}, identity.ByService},
		"another namespace":    {labels{"service.name": "s", "service.namespace": "g"}, labels{"service": "s", "namespace": "n"}, identity.None},
		"another service":      {labels{"service": "s"}, labels{"service": "r"}, identity.None},
		"nothing at all":       {labels{}, labels{}, identity.None},
	} {
		if ab, ba := identity.Join(of(c.a), of(c.b)), identity.Join(of(c.b), of(c.a)); ab != c.want || ba != ab {
			t.Errorf("%s: by %s and %s, want %s", name, ab, ba, c.want)
		}
	}
}

func TestString(t *testing.T) {
	for want, k := range map[string]identity.Key{"e:n/s": {"e", "n", "s"}, "n/s": {"", "n", "s"}, "unknown": {}} {
		if k.String() != want || k.Known() != (k.Service != "") {
			t.Errorf("%v", k)
		}
	}
}

func FuzzOf(f *testing.F) {
	f.Add("service.name", "cart", "job", "a/b")
	f.Add("pod", "web-5d9f7c6b8-x2x4z", "namespace", "\xff\x00")
	f.Fuzz(func(t *testing.T, n1, v1, n2, v2 string) {
		m := labels{n1: v1, n2: v2}
		a, b := identity.FromMap(m), identity.FromMap(maps.Clone(m))
		if a != b {
			t.Fatalf("%v and %v of the same", a, b)
		}
		for _, v := range []string{a.Service, a.Namespace, a.Environment, a.Instance, a.Pod, a.Workload, a.KubeNamespace} {
			if len(v) > identity.MaxValue || !utf8.ValidString(v) || identity.Clean(v) != v {
				t.Fatalf("%q is a part of a key", v)
			}
		}
	})
}
