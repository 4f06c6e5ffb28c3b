package deliver

import (
	"context"
	"io/fs"
	"time"

	"github.com/autoecoops/autoecoops/api/v1alpha1"
	"github.com/autoecoops/autoecoops/deliver/health"
	"github.com/autoecoops/autoecoops/ops"
)

// Identity is the service account that a write is made as.
type Identity struct{ Namespace, ServiceAccount string }

// String returns the account's user name.
func (i Identity) String() string {
	return "system:serviceaccount:" + i.Namespace + ":" + i.ServiceAccount
}

// Live is what the watches keep of a managed object: enough to see drift and
// health, and no values.
type Live struct {
	Key
	Version         string
	UID             string
	ResourceVersion string
	// App is the Application that the object's labels name.
	App AppKey
	// Owned is the OwnedDigest for our field manager, "" if we own nothing.
	Owned string
	// Foreign tells that a person's tool owns fields of the object.
	Foreign bool
	// Scaled tells that an autoscaler sets spec.replicas.
	Scaled bool
	// Replicas tells that spec.replicas is ours.
	Replicas bool
	// Terminating tells that the object is being deleted.
	Terminating bool
	// Keep tells that the object is never to be pruned, Hook that it is a
	// release's Job.
	Keep, Hook bool
	// Dependent tells that another object owns this one.
	Dependent bool
	Health    health.Health
}

// Cluster makes the calls that change objects. Every method returns a
// fault.Error: Unavailable if trying again can help, Denied, Conflict (the
// object is not the one that was named), Blocked (an immutable field), Invalid
// or NotFound. Implementations MUST be safe for concurrent use.
type Cluster interface {
	// Apply applies an object by server-side apply and returns what the API
	// server answered. With dryRun nothing changes.
	Apply(ctx context.Context, as Identity, o *Object, dryRun bool) (Live, error)
	// Release hands a field of an object over: afterwards an apply that leaves
	// it out keeps its value. The field is spec.replicas.
	Release(ctx context.Context, as Identity, o *Object) error
	// Disown merges what people's tools own of an object into our own fields.
	Disown(ctx context.Context, as Identity, o *Object) error
	// Delete deletes the object with this UID and no other; it is no error if
	// it is gone.
	Delete(ctx context.Context, as Identity, g GVK, k Key, uid string) error
	// Get reads an object.
	Get(ctx context.Context, as Identity, g GVK, k Key) (map[string]any, error)
}

// View is what the watches know.
type View interface {
	// Namespaced tells whether a kind's objects live in namespaces. The error
	// is NotFound if the kind is not served, Unavailable if that could not be
	// found out.
	Namespaced(ctx context.Context, g GVK) (bool, error)
	// Watch makes sure that objects of this kind are watched.
	Watch(ctx context.Context, g GVK) error
	// Synced tells whether the watch of this kind has seen all objects.
	Synced(g GroupKind) bool
	// Object returns what is known of one object.
	Object(k Key) (Live, bool)
	// Owned returns all objects whose labels name app.
	Owned(app AppKey) []Live
}

// Head is where a source is.
type Head struct {
	Revision string
	Ref      string
	// Checked is when the source last said so.
	Checked time.Time
	// Seen is when this revision was first seen.
	Seen time.Time
}

// Tree is the content of one revision.
type Tree interface {
	fs.FS
	// ID returns the content's id of a file or folder, "" if there is none.
	ID(path string) string
	// Commit tells about the revision; nil for an artifact.
	Commit() *v1alpha1.CommitInfo
}

// Unreached is an error of Sources.Fetch, or of a Renderer, that is none of the
// revision's doing: the source, or what is needed to read it, is out of reach.
// It is tried again, whatever its kind; the revision is not refused for it.
type Unreached struct{ Err error }

// Error implements error.
func (u Unreached) Error() string { return u.Err.Error() }

// Unwrap returns the error that is marked.
func (u Unreached) Unwrap() error { return u.Err }

// Sources knows revisions.
type Sources interface {
	// Head returns the newest known revision of an application's source
	// without waiting for the network: ok is false if none is known yet. The
	// error is why the source could not be asked last time; a head may be known
	// all the same.
	Head(app *v1alpha1.Application) (head Head, ok bool, err error)
	// Fetch returns a revision's content, checked against the application's
	// verification policy: Denied if the signature is not trusted, Invalid if the
	// revision cannot be taken as it is; what may pass is Unreached.
	Fetch(ctx context.Context, app *v1alpha1.Application, revision string) (Tree, error)
	// Keep holds a revision so that it can be fetched while the source is down.
	// It takes the place of another that makes the same objects, "" for none:
	// that one is let go of.
	Keep(ctx context.Context, app *v1alpha1.Application, revision, instead string) error
}

// Rendered is what a revision's tree makes for an application.
type Rendered struct {
	// Bodies are the objects in output order.
	Bodies []map[string]any
	// Inputs is the digest of all that was read besides the tree: variables,
	// values, keys.
	Inputs string
	// Handle is for the Gate of the same application: what was rendered, with
	// its way back to the files.
	Handle any
}

// Renderer renders. A root that cannot be rendered whole is an error, and
// Unreached if that is because some of it could not be read.
type Renderer interface {
	Render(ctx context.Context, app *v1alpha1.Application, tree Tree) (*Rendered, error)
	// Same tells whether a tree has all that the newest render of an application
	// read exactly as that render found it.
	Same(app AppKey, tree Tree) bool
	// Inputs returns the digest of what a render reads besides the tree.
	Inputs(ctx context.Context, app *v1alpha1.Application) (string, error)
}

// Judgement is what the gate says of a revision.
type Judgement struct {
	Refused  bool
	Reason   string
	Findings []v1alpha1.Finding
	Posture  v1alpha1.Posture
}

// Gate judges a rendered revision.
type Gate interface {
	Judge(ctx context.Context, app *v1alpha1.Application, tree Tree, r *Rendered, objects []*Object) (*Judgement, error)
}

// Journal is the ledger. Append returns when the records are durable.
type Journal interface {
	Append(ctx context.Context, records ...ops.Record) error
}

// Releases keeps Release objects.
type Releases interface {
	// Create makes a release; it is no error if it exists.
	Create(ctx context.Context, r *v1alpha1.Release) error
	// SetStatus replaces the status of a release.
	SetStatus(ctx context.Context, app AppKey, name string, change func(*v1alpha1.ReleaseStatus)) error
}

// Witness looks closer at what is not healthy.
type Witness interface {
	// Follow watches the pods of the workloads, and wakes the application when
	// they change, until Forget.
	Follow(app AppKey, workloads []Key)
	Forget(app AppKey)
	// UserOf names a running pod that reads a ConfigMap or Secret, "" if none
	// does.
	UserOf(ctx context.Context, k Key) (string, error)
	// Look says what is wrong, from what was seen already. Pods that were made
	// before since are another revision's, and don't count.
	Look(app AppKey, unhealthy []Live, since time.Time) Report
	// Evidence takes down what a person will want to see of what failed: events,
	// logs of the containers before, conditions.
	Evidence(ctx context.Context, app AppKey, unhealthy []Live, since time.Time) []v1alpha1.Evidence
}

// Report is what a Witness saw.
type Report struct {
	// Definite means that waiting cannot help.
	Definite bool
	// Message is "" if nothing was seen.
	Message string
}

// Forge opens pull requests.
type Forge interface {
	// Revert has a pull request opened that takes Git back too, once for an
	// application and a bad revision, however often it is asked. It never waits
	// for the forge: Done is false until there is an answer, and the application
	// is woken then.
	Revert(app *v1alpha1.Application, r Reversion) Reverted
}

// Reversion is what a pull request is to take back.
type Reversion struct {
	// Bad is the revision that failed, Good the one to go back to.
	Bad, Good string
	// Release is the name of the one that failed, Reason why it did.
	Release, Reason string
	// RolledBack tells that the cluster went back, or goes.
	RolledBack bool
}

// Reverted is the forge's answer.
type Reverted struct {
	Done    bool
	Address string
	// Err is a fault.Error. Final tells that asking again cannot help.
	Err   error
	Final bool
}

// Apps knows the other applications.
type Apps interface {
	// Settled tells whether all applications but this one have, since then or
	// just now, looked at their
	// current source and settings, so that what they claim is known.
	Settled(but AppKey, since time.Time) bool
	// Claims returns the applications that applied k and want it.
	Claims(k Key) []AppKey
	// DependsOn returns the applications that one waits for; none if there is no
	// such application.
	DependsOn(app AppKey) []AppKey
}

// Doctor reads the expressions by which an application says what is healthy and what
// is ready.
type Doctor interface {
	// Check says which of them cannot be read: Invalid.
	Check(app *v1alpha1.Application) error
	// Ready says what keeps an object from being ready, "" if nothing does: by an
	// expression, or by its health if that is "". The error is of an expression that
	// waiting does not help: Invalid.
	Ready(body map[string]any, expression string) (why string, err error)
}
