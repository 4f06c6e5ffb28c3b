package deliver

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/autoecoops/autoecoops/api/v1alpha1"
)

// Inspector judges what is in the cluster, with the checks of an application's
// gate.
type Inspector interface {
	// Inspect judges the objects of an application as they are in the cluster,
	// read as the account. Those that are not there are left out.
	Inspect(ctx context.Context, app *v1alpha1.Application, as Identity, objects []InventoryRef) (*v1alpha1.Posture, error)
}

// InventoryRef is an object of an inventory.
type InventoryRef struct {
	GVK
	Key
}

// InspectEvery is the least time between two looks at one application: somebody
// who edits its objects again and again is not followed at every step.
const InspectEvery = 10 * time.Second

// inspected is what of an application was last judged in the cluster.
type inspected struct {
	// state is a digest of what differed; "" means that nothing did, and that the
	// posture is that of the revision.
	state string
	at    time.Time
}

// inspect keeps the posture that of the cluster: of the revision while the
// cluster is as Git says, of the live objects while something differs and is
// left. It costs reads only when what differs has changed.
func (p *pass) inspect(ctx context.Context) {
	if p.Inspector == nil || p.st.Sync == nil {
		return
	}
	state := p.differences()
	if state == p.mem.inspected.state && !p.leftBehind() {
		return
	}
	if state == "" {
		if w := p.mem.want; w != nil && w.digest == p.st.Sync.Digest && w.posture != nil {
			p.st.Posture, p.mem.inspected = w.posture, inspected{}
			return
		}
	}
	if left := p.mem.inspected.at.Add(InspectEvery).Sub(p.now); left > 0 {
		p.wait(left)
		return
	}
	var refs []InventoryRef
	for _, e := range p.st.Inventory {
		if g, k, err := ParseID(e.ID); err == nil && p.wanted(e, k) {
			refs = append(refs, InventoryRef{g, k})
		}
	}
	posture, err := p.Inspector.Inspect(ctx, p.app, p.identity(), refs)
	if err != nil {
		// The posture that is shown is not that of what is there: say so rather
		// than let it stand.
		p.st.Posture = nil
		p.Log.Warn("the posture could not be judged anew", "application", p.key.String(), "error", err.Error())
		p.wait(InspectEvery)
		return
	}
	p.st.Posture, p.mem.inspected = posture, inspected{state, p.now}
}

// leftBehind tells that the posture in the status is of differences that an
// earlier run of the program saw.
func (p *pass) leftBehind() bool {
	return p.mem.inspected.at.IsZero() && slices.ContainsFunc(p.app.Status.Conditions, func(c metav1.Condition) bool {
		return c.Type == v1alpha1.ConditionSynced && c.Reason == "Drifted"
	})
}

// differences is a digest of the objects that differ from Git as they are now, ""
// if none does.
func (p *pass) differences() string {
	if len(p.drift) == 0 {
		return ""
	}
	sum := sha256.New()
	for _, e := range p.st.Inventory {
		_, k, err := ParseID(e.ID)
		if err != nil || !p.wanted(e, k) {
			continue
		}
		if why := p.differs(e, k); why != "" {
			live, _ := p.View.Object(k)
			sum.Write([]byte(k.String() + "\x00" + why + "\x00" + live.UID + "\x00" + live.ResourceVersion + "\n"))
		}
	}
	return hex.EncodeToString(sum.Sum(nil))
}
