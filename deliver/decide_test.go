package deliver_test

import (
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/autoecoops/autoecoops/api/v1alpha1"
	"github.com/autoecoops/autoecoops/deliver"
)

func rev(r string) *v1alpha1.Revision { return &v1alpha1.Revision{Revision: r} }

func TestChoose(t *testing.T) {
	bad := func(revs ...string) (q []v1alpha1.Quarantined) {
		for _, r := range revs {
			q = append(q, v1alpha1.Quarantined{Revision: r, Settings: "s", Reason: deliver.QuarantineFailed, Message: "it crashes"})
		}
		return q
	}
	for name, c := range map[string]struct {
		st        v1alpha1.ApplicationStatus
		manual    bool
		disabled  bool
		requested bool
		settings  string
		head      string
		want      deliver.Choice
	}{
		"first":                       {head: "b", want: deliver.Choice{Revision: "b", Trigger: "commit"}},
		"newer":                       {st: v1alpha1.ApplicationStatus{Sync: rev("a")}, head: "b", want: deliver.Choice{Revision: "b", Trigger: "commit"}},
		"same":                        {st: v1alpha1.ApplicationStatus{Sync: rev("b")}, head: "b", want: deliver.Choice{Revision: "b", Trigger: "spec"}},
		"source unknown":              {st: v1alpha1.ApplicationStatus{Sync: rev("a")}, want: deliver.Choice{Revision: "a", Trigger: "spec", Held: "the source's revision is not known yet"}},
		"manual":                      {st: v1alpha1.ApplicationStatus{Sync: rev("a")}, head: "b", manual: true, want: deliver.Choice{Revision: "a", Trigger: "spec", Held: "revision b waits for `aeo app sync`"}},
		"manual, nothing yet":         {head: "b", manual: true, want: deliver.Choice{Held: "revision b waits for `aeo app sync`"}},
		"manual, asked for":           {head: "b", manual: true, requested: true, want: deliver.Choice{Revision: "b", Trigger: "request"}},
		"manual, there":               {st: v1alpha1.ApplicationStatus{Sync: rev("b")}, head: "b", manual: true, want: deliver.Choice{Revision: "b", Trigger: "spec"}},
		"bad head, at it":             {st: v1alpha1.ApplicationStatus{Sync: rev("b"), LastGood: rev("a"), Quarantine: bad("b")}, head: "b", want: deliver.Choice{Revision: "a", Trigger: "rollback", Stalled: true}},
		"bad head, gone back":         {st: v1alpha1.ApplicationStatus{Sync: rev("a"), LastGood: rev("a"), Quarantine: bad("b")}, head: "b", want: deliver.Choice{Revision: "a", Trigger: "rollback", Stalled: true}},
		"bad head, nothing good":      {st: v1alpha1.ApplicationStatus{Sync: rev("b"), Quarantine: bad("b")}, head: "b", want: deliver.Choice{Trigger: "rollback", Stalled: true}},
		"bad head, good is bad too":   {st: v1alpha1.ApplicationStatus{Sync: rev("b"), LastGood: rev("a"), Quarantine: bad("b", "a")}, head: "b", want: deliver.Choice{Trigger: "rollback", Stalled: true}},
		"bad head, rollback disabled": {st: v1alpha1.ApplicationStatus{Sync: rev("b"), LastGood: rev("a"), Quarantine: bad("b")}, head: "b", disabled: true, want: deliver.Choice{Revision: "b", Trigger: "rollback", Stalled: true}},
		"bad under other settings":    {st: v1alpha1.ApplicationStatus{Sync: rev("a"), Quarantine: bad("b")}, head: "b", settings: "new", want: deliver.Choice{Revision: "b", Trigger: "commit"}},
	} {
		spec := &v1alpha1.ApplicationSpec{Sync: v1alpha1.SyncPolicy{Manual: c.manual}, Rollback: v1alpha1.RollbackPolicy{Disabled: c.disabled}}
		settings := c.settings
		if settings == "" {
			settings = "s"
		}
		got := deliver.Choose(spec, &c.st, c.head, settings, c.requested)
		if c.want.Stalled {
			if !strings.Contains(got.Held, "it crashes") {
				t.Errorf("%s: does not say why: %q", name, got.Held)
			}
			got.Held = ""
		}
		if got != c.want {
			t.Errorf("%s: %+v, want %+v", name, got, c.want)
		}
	}
}

func TestQuarantine(t *testing.T) {
	st := &v1alpha1.ApplicationStatus{}
	for _, r := range []string{"a", "b", "a"} {
		deliver.AddQuarantine(st, v1alpha1.Quarantined{Revision: r, Digest: "d" + r, Settings: "s", Reason: deliver.QuarantineFailed})
	}
	if len(st.Quarantine) != 2 || st.Quarantine[0].Revision != "a" {
		t.Fatalf("%+v", st.Quarantine)
	}
	if _, held := deliver.Quarantine(st, "c", "db", "s"); !held {
		t.Error("another commit with the objects of b passes")
	}
	deliver.AddQuarantine(st, v1alpha1.Quarantined{Revision: "r", Digest: "dr", Settings: "s", Reason: deliver.QuarantineRefused})
	if _, held := deliver.Quarantine(st, "c", "dr", "s"); held {
		t.Error("a commit that may bring an exception is refused for another's findings")
	}
	for i := range 50 {
		deliver.AddQuarantine(st, v1alpha1.Quarantined{Revision: string(rune('A' + i))})
	}
	if len(st.Quarantine) != 20 {
		t.Errorf("%d entries", len(st.Quarantine))
	}
	if !deliver.LiftQuarantine(st, st.Quarantine[3].Revision) || deliver.LiftQuarantine(st, "nobody") || len(st.Quarantine) != 19 {
		t.Error("lift")
	}
}

func TestProgress(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 10, 0, 0, time.UTC)
	ago := func(d time.Duration) time.Time { return now.Add(-d) }
	const deadline, watch = 5 * time.Minute, 2 * time.Minute
	for name, c := range map[string]struct {
		in     deliver.Journey
		phase  string
		wait   time.Duration
		reason string
	}{
		"healthy at last":        {deliver.Journey{Phase: "Observing", Applied: ago(time.Minute), Healthful: true}, "Watching", watch, ""},
		"healthy, watched":       {deliver.Journey{Phase: "Watching", Applied: ago(2 * time.Minute), Healthy: ago(time.Minute), Healthful: true}, "Watching", time.Minute, ""},
		"healthy long enough":    {deliver.Journey{Phase: "Watching", Applied: ago(9 * time.Minute), Healthy: ago(watch), Healthful: true}, "Good", 0, ""},
		"waiting":                {deliver.Journey{Phase: "Observing", Applied: ago(time.Minute)}, "Observing", 4 * time.Minute, ""},
		"too late":               {deliver.Journey{Phase: "Observing", Applied: ago(deadline), Cause: "crash"}, "Failed", 0, "not healthy within 5m0s: crash"},
		"unknown for long":       {deliver.Journey{Phase: "Observing", Applied: ago(deadline), Unknown: true, Cause: "z"}, "Observing", 0, "its health is not known: z"},
		"hopeless":               {deliver.Journey{Phase: "Observing", Applied: ago(time.Second), Definite: true, Cause: "no such image"}, "Failed", 0, "no such image"},
		"hopeless while watched": {deliver.Journey{Phase: "Watching", Applied: ago(time.Minute), Healthy: ago(time.Second), Lost: ago(0), Definite: true, Cause: "x"}, "Failed", 0, "x"},
		"lost while watched":     {deliver.Journey{Phase: "Watching", Applied: ago(9 * time.Minute), Healthy: ago(time.Minute), Lost: ago(20 * time.Second)}, "Watching", 40 * time.Second, ""},
		"lost for good":          {deliver.Journey{Phase: "Watching", Applied: ago(9 * time.Minute), Healthy: ago(2 * time.Minute), Lost: ago(time.Minute), Cause: "y"}, "Failed", 0, "became unhealthy in the watch time and did not recover: y"},
		"back in time":           {deliver.Journey{Phase: "Watching", Applied: ago(9 * time.Minute), Healthy: ago(time.Minute), Lost: time.Time{}, Healthful: true}, "Watching", time.Minute, ""},
	} {
		c.in.Now, c.in.Deadline, c.in.Watch = now, deadline, watch
		got := deliver.Progress(c.in)
		if got.Phase != c.phase || got.Wait != c.wait || got.Reason != c.reason {
			t.Errorf("%s: %+v", name, got)
		}
	}
	if got := deliver.Progress(deliver.Journey{Phase: "Observing", Healthful: true, Now: now}); got.Phase != v1alpha1.PhaseGood {
		t.Errorf("without a watch time: %+v", got)
	}
}

func TestShort(t *testing.T) {
	for in, want := range map[string]string{"": "", "abc": "abc", "0123456789": "01234567", "sha256:0123456789abcdef": "sha256:0123456789ab"} {
		if got := deliver.Short(in); got != want {
			t.Errorf("%s: %s", in, got)
		}
	}
}

// seen is a view of a few objects.
type seen struct {
	deliver.View
	objects map[deliver.Key]deliver.Live
	blind   bool
}

func (s seen) Object(k deliver.Key) (deliver.Live, bool) { l, ok := s.objects[k]; return l, ok }
func (s seen) Synced(deliver.GroupKind) bool             { return !s.blind }

func TestPlanPrune(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	key := func(n string) deliver.Key { return deliver.Key{Kind: "ConfigMap", Namespace: "shop", Name: n} }
	entry := func(n string, marked time.Duration) v1alpha1.InventoryEntry {
		e := v1alpha1.InventoryEntry{ID: deliver.ID(deliver.GVK{Version: "v1", Kind: "ConfigMap"}, "shop", n), UID: "u" + n, Desired: "d"}
		if marked > 0 {
			at := metav1.NewTime(now.Add(-marked))
			e.Prune = &at
		}
		return e
	}
	alive := func(n string) deliver.Live { return deliver.Live{Key: key(n), UID: "u" + n, App: web, Owned: "o"} }
	no := false
	zero := int32(0)
	type want struct {
		left, deletes int
		blocked       string
	}
	for name, c := range map[string]struct {
		change func(*deliver.Pruning, *seen)
		want   want
	}{
		"ripe":               {nil, want{3, 1, ""}},
		"just marked":        {func(p *deliver.Pruning, _ *seen) { p.Inventory[2] = entry("gone", 0) }, want{3, 0, ""}},
		"not healthy":        {func(p *deliver.Pruning, _ *seen) { p.Healthy = false }, want{3, 0, ""}},
		"others not settled": {func(p *deliver.Pruning, _ *seen) { p.Settled = func(time.Time) bool { return false } }, want{3, 0, ""}},
		"claimed by another": {func(p *deliver.Pruning, _ *seen) {
			p.Claims = func(deliver.Key) []deliver.AppKey { return []deliver.AppKey{web, {Name: "x"}} }
		}, want{3, 0, ""}},
		"not seen yet":        {func(_ *deliver.Pruning, s *seen) { s.blind = true; delete(s.objects, key("gone")) }, want{3, 0, ""}},
		"gone already":        {func(_ *deliver.Pruning, s *seen) { delete(s.objects, key("gone")) }, want{2, 0, ""}},
		"handed over":         {func(_ *deliver.Pruning, s *seen) { l := alive("gone"); l.App.Name = "x"; s.objects[key("gone")] = l }, want{2, 0, ""}},
		"made anew by others": {func(_ *deliver.Pruning, s *seen) { l := alive("gone"); l.UID = "new"; s.objects[key("gone")] = l }, want{2, 0, ""}},
		"kept by annotation":  {func(_ *deliver.Pruning, s *seen) { l := alive("gone"); l.Keep = true; s.objects[key("gone")] = l }, want{2, 0, ""}},
		"terminating": {func(_ *deliver.Pruning, s *seen) {
			l := alive("gone")
			l.Terminating = true
			s.objects[key("gone")] = l
		}, want{3, 0, ""}},
		"pruning off":           {func(p *deliver.Pruning, _ *seen) { p.Policy.Prune = &no }, want{3, 0, "pruning is off"}},
		"limit zero":            {func(p *deliver.Pruning, _ *seen) { p.Policy.MaxDeletePercent = &zero }, want{3, 0, "1 of 3 objects left Git, more than 0 %"}},
		"limit zero, confirmed": {func(p *deliver.Pruning, _ *seen) { p.Policy.MaxDeletePercent = &zero; p.Confirmed = true }, want{3, 1, ""}},
		"empty":                 {func(p *deliver.Pruning, _ *seen) { p.Objects = 0 }, want{3, 0, "the revision has no objects"}},
		"empty, allowed":        {func(p *deliver.Pruning, _ *seen) { p.Objects = 0; p.Policy.AllowEmpty = true }, want{3, 1, ""}},
		"back in Git":           {func(p *deliver.Pruning, _ *seen) { p.Desired = func(deliver.Key) bool { return true } }, want{3, 0, ""}},
		"unreadable entry":      {func(p *deliver.Pruning, _ *seen) { p.Inventory = append(p.Inventory, v1alpha1.InventoryEntry{ID: "?"}) }, want{3, 1, ""}},
	} {
		s := seen{objects: map[deliver.Key]deliver.Live{key("a"): alive("a"), key("b"): alive("b"), key("gone"): alive("gone")}}
		p := deliver.Pruning{
			App: web, Inventory: []v1alpha1.InventoryEntry{entry("a", 0), entry("b", 0), entry("gone", time.Minute)},
			Desired: func(k deliver.Key) bool { return k.Name != "gone" }, Objects: 2, Policy: &v1alpha1.SyncPolicy{},
			Healthy: true, Settled: func(time.Time) bool { return true }, Now: now, Claims: func(deliver.Key) []deliver.AppKey { return nil },
		}
		if c.change != nil {
			c.change(&p, &s)
		}
		p.View = s
		got := deliver.PlanPrune(p)
		if len(got.Inventory) != c.want.left || len(got.Delete) != c.want.deletes || !strings.HasPrefix(got.Blocked, c.want.blocked) || (c.want.blocked == "") != (got.Blocked == "") {
			t.Errorf("%s: %d left, %d deleted, blocked %q", name, len(got.Inventory), len(got.Delete), got.Blocked)
		}
		for _, d := range got.Delete {
			if d.Key != key("gone") || d.UID != "ugone" {
				t.Errorf("%s: deletes %+v", name, d)
			}
		}
	}
}

func TestGuardedKindsNeedAWord(t *testing.T) {
	now := time.Now()
	at := metav1.NewTime(now.Add(-time.Minute))
	for _, g := range []deliver.GVK{{Version: "v1", Kind: "Namespace"}, {Version: "v1", Kind: "PersistentVolumeClaim"}, {Version: "v1", Kind: "PersistentVolume"}, {Group: "apiextensions.k8s.io", Version: "v1", Kind: "CustomResourceDefinition"}} {
		k := deliver.Key{Group: g.Group, Kind: g.Kind, Name: "x"}
		p := deliver.Pruning{
			App: web, Inventory: []v1alpha1.InventoryEntry{{ID: deliver.ID(g, "", "x"), UID: "u", Prune: &at}}, Desired: func(deliver.Key) bool { return false },
			Objects: 10, Policy: &v1alpha1.SyncPolicy{AllowEmpty: true}, Healthy: true, Settled: func(time.Time) bool { return true }, Now: now,
			View: seen{objects: map[deliver.Key]deliver.Live{k: {Key: k, UID: "u", App: web}}}, Claims: func(deliver.Key) []deliver.AppKey { return nil },
		}
		if got := deliver.PlanPrune(p); len(got.Delete) != 0 || !strings.Contains(got.Blocked, "--confirm-prune") {
			t.Errorf("%s: %+v", g.Kind, got)
		}
		p.Confirmed = true
		if got := deliver.PlanPrune(p); len(got.Delete) != 1 {
			t.Errorf("%s, confirmed: %+v", g.Kind, got)
		}
	}
}
