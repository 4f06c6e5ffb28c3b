package kube

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/apimachinery/pkg/types"
	utiljson "k8s.io/apimachinery/pkg/util/json"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/autoecoops/autoecoops/deliver"
	"github.com/autoecoops/autoecoops/fault"
)

// Options say which cluster to talk to and how.
type Options struct {
	// Kubeconfig is a file's path; "" means the usual places, then the
	// cluster that the program runs in.
	Kubeconfig string
	// Context is a context of the kubeconfig, "" for its current one.
	Context string
	// UserAgent names the program in the API server's log.
	UserAgent string
}

// Load finds the way to a cluster.
func Load(o Options) (*rest.Config, error) {
	rules := clientcmd.NewDefaultClientConfigLoadingRules()
	rules.ExplicitPath = o.Kubeconfig
	c, err := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(rules, &clientcmd.ConfigOverrides{CurrentContext: o.Context}).ClientConfig()
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, "find the cluster", o.Context, err, "give --kubeconfig FILE or --context NAME; `kubectl config get-contexts` lists what there is")
	}
	c.UserAgent = o.UserAgent
	return c, nil
}

// Namespace returns the namespace of the chosen context, or of the pod that
// the program runs in.
func Namespace(o Options) string {
	rules := clientcmd.NewDefaultClientConfigLoadingRules()
	rules.ExplicitPath = o.Kubeconfig
	ns, _, err := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(rules, &clientcmd.ConfigOverrides{CurrentContext: o.Context}).Namespace()
	if err == nil && ns != "" && ns != "default" {
		return ns
	}
	if text, err := os.ReadFile("/var/run/secrets/kubernetes.io/serviceaccount/namespace"); err == nil {
		return strings.TrimSpace(string(text))
	}
	return "default"
}

// Client talks to one API server. It is safe for concurrent use.
type Client struct {
	config *rest.Config
	rest   *rest.RESTClient
	limit  *limiter
	found  *discovery
	calls  func(verb, path string, code int)
}

// callTimeout bounds every call but watches.
const callTimeout = 30 * time.Second

// New makes a client. Calls are not throttled on this side by a fixed rate:
// their concurrency follows what the API server bears (see limiter).
func New(config *rest.Config) (*Client, error) {
	c := rest.CopyConfig(config)
	c.QPS, c.Burst, c.RateLimiter = -1, 0, nil
	c.WarningHandler = rest.NoWarnings{}
	c.GroupVersion = &schema.GroupVersion{}
	scheme := runtime.NewScheme()
	metav1.AddToGroupVersion(scheme, schema.GroupVersion{Version: "v1"})
	c.NegotiatedSerializer = serializer.NewCodecFactory(scheme).WithoutConversion()
	c.AcceptContentTypes, c.ContentType = "application/json", "application/json"
	r, err := rest.UnversionedRESTClientFor(c)
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, "make a client for", c.Host, err, "check the kubeconfig")
	}
	client := &Client{config: config, rest: r, limit: newLimiter(), calls: func(string, string, int) {}}
	client.found = newDiscovery(client)
	return client, nil
}

// Count has every call reported: its verb, its path without names, and the
// status code, 0 if there was none. Call it before the client is used.
func (c *Client) Count(f func(verb, path string, code int)) { c.calls = f }

// Busy tells whether so many calls that change something are under way that
// reports of what went well should wait.
func (c *Client) Busy() bool { return c.limit.busy() }

// request is one call.
type request struct {
	verb string // GET, PUT, PATCH, POST, DELETE
	path string
	// query are the parameters.
	query url.Values
	// as is who the call is made as; zero for the program itself.
	as   deliver.Identity
	body []byte
	// kind of patch, for PATCH.
	patch types.PatchType
	// report is a write that only tells what was done: it has its turn after
	// those that do something.
	report bool
}

// do makes a call and returns the answer's body.
func (c *Client) do(ctx context.Context, r request) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	mutating := r.verb != http.MethodGet
	if mutating {
		if err := c.limit.acquire(ctx, r.report); err != nil {
			return nil, err
		}
	}
	started := time.Now()
	res := c.build(r).Do(ctx)
	code := 0
	res.StatusCode(&code)
	text, err := res.Raw()
	if err != nil {
		err = res.Error() // says what the API server said
	}
	if mutating {
		c.limit.release(code, time.Since(started), err, r.report)
	}
	c.calls(r.verb, r.path, code)
	return text, err
}

func (c *Client) build(r request) *rest.Request {
	var q *rest.Request
	switch r.verb {
	case http.MethodPatch:
		q = c.rest.Patch(r.patch)
	default:
		q = c.rest.Verb(r.verb)
	}
	q = q.AbsPath(r.path).MaxRetries(0)
	for name, values := range r.query {
		for _, v := range values {
			q = q.Param(name, v)
		}
	}
	if r.as != (deliver.Identity{}) {
		// The API server adds the groups that every service account is in.
		q = q.SetHeader("Impersonate-User", r.as.String())
	}
	if r.body != nil {
		q = q.Body(r.body)
		if r.verb != http.MethodPatch {
			q = q.SetHeader("Content-Type", "application/json")
		}
	}
	return q
}

// stream opens a call whose answer is read bit by bit.
func (c *Client) stream(ctx context.Context, r request) (io.ReadCloser, error) {
	body, err := c.build(r).Stream(ctx)
	c.calls("WATCH", r.path, 0)
	return body, err
}

// decode reads an object.
func decode(text []byte) (map[string]any, error) {
	var body map[string]any
	if err := utiljson.Unmarshal(text, &body); err != nil {
		return nil, fault.Wrap(fault.Unavailable, "read the API server's answer", "", err, "is that address a Kubernetes API server?")
	}
	return body, nil
}

// resource is where the objects of a kind are.
type resource struct {
	deliver.GVK
	plural     string
	namespaced bool
	// stateless kinds have no status that anybody could write.
	stateless bool
}

// path returns the address of an object, or of all if name is "".
func (r resource) path(namespace, name string) string {
	p := "/apis/" + r.Group + "/" + r.Version
	if r.Group == "" {
		p = "/api/" + r.Version
	}
	if r.namespaced && namespace != "" {
		p += "/namespaces/" + url.PathEscape(namespace)
	}
	p += "/" + r.plural
	if name != "" {
		p += "/" + url.PathEscape(name)
	}
	return p
}
