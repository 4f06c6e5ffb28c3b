package deliver

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/autoecoops/autoecoops/api/v1alpha1"
	"github.com/autoecoops/autoecoops/fault"
)

// askDependency is how often a dependency that is not ready is looked at.
const askDependency = 5 * time.Second

// dependencies tells whether everything that the application depends on is
// ready.
func (p *pass) dependencies(ctx context.Context) (ready bool, err error) {
	for _, d := range p.app.Spec.DependsOn {
		g, ok := GVKOf(map[string]any{"apiVersion": d.APIVersion, "kind": d.Kind})
		if !ok {
			return false, fault.New(fault.Invalid, "read dependsOn", d.Kind+" "+d.Name, "apiVersion or kind is missing", "complete it")
		}
		if other, ok := dependedApp(p.key, d); ok && other == p.key {
			return false, fault.New(fault.Invalid, "wait for", "Application "+d.Name, "it depends on itself", "remove it from spec.dependsOn")
		}
		why, err := p.dependency(ctx, g, d)
		if err != nil {
			return false, err
		}
		if why == "" {
			continue
		}
		if other, ok := dependedApp(p.key, d); ok {
			if circle := circleOf(p.key, other, p.Apps.DependsOn); circle != nil {
				p.wait(askDependency) // another one's spec may end it
				return false, waitsForItself(circle)
			}
		}
		p.waiting = "waits for " + d.Kind + " " + d.Name + ": " + why
		p.wait(askDependency)
		return false, nil
	}
	return true, nil
}

// dependency says what is missing about one dependency, "" if it is ready.
func (p *pass) dependency(ctx context.Context, g GVK, d v1alpha1.Dependency) (why string, err error) {
	namespaced, err := p.View.Namespaced(ctx, g)
	if err != nil {
		if fault.KindOf(err) == fault.NotFound {
			return "the kind is not served", nil
		}
		return "", err
	}
	k := Key{g.Group, g.Kind, "", d.Name}
	if namespaced {
		k.Namespace = cmpText(d.Namespace, p.app.Namespace)
	}
	body, err := p.Cluster.Get(ctx, p.identity(), g, k)
	switch {
	case fault.KindOf(err) == fault.NotFound && err != nil:
		return "it does not exist", nil
	case err != nil:
		return "", err
	}
	return p.Doctor.Ready(body, d.Ready)
}

// dependedApp returns the application that a dependency of app names, if it names one.
func dependedApp(app AppKey, d v1alpha1.Dependency) (AppKey, bool) {
	g, ok := GVKOf(map[string]any{"apiVersion": d.APIVersion, "kind": d.Kind})
	if !ok || g.GroupKind() != (GroupKind{v1alpha1.GroupVersion.Group, v1alpha1.ApplicationKind}) {
		return AppKey{}, false
	}
	return AppKey{cmpText(d.Namespace, app.Namespace), d.Name}, true
}

// DependedApps returns the applications that an application waits for.
func DependedApps(app *v1alpha1.Application) []AppKey {
	var out []AppKey
	for _, d := range app.Spec.DependsOn {
		if k, ok := dependedApp(AppKey{app.Namespace, app.Name}, d); ok {
			out = append(out, k)
		}
	}
	return out
}

// circleOf returns the way from first, which app depends on, back to app: app waits
// for first, that for the next, and the last for app. It is nil if there is none.
func circleOf(app, first AppKey, dependsOn func(AppKey) []AppKey) []AppKey {
	before := map[AppKey]AppKey{first: app}
	for queue := []AppKey{first}; len(queue) > 0; queue = queue[1:] {
		at := queue[0]
		for _, next := range dependsOn(at) {
			if next == app {
				circle := []AppKey{app}
				for ; at != app; at = before[at] {
					circle = append(circle, at)
				}
				circle = append(circle, app)
				slices.Reverse(circle)
				return circle
			}
			if _, seen := before[next]; !seen {
				before[next] = at
				queue = append(queue, next)
			}
		}
	}
	return nil
}

// waitsForItself says that applications wait for each other.
func waitsForItself(circle []AppKey) error {
	names := make([]string, 0, len(circle))
	for _, k := range circle {
		names = append(names, k.String())
	}
	return fault.New(fault.Invalid, "wait for", "Application "+circle[1].Name, "they wait for each other: "+strings.Join(names, " waits for "), "take one out of the spec.dependsOn of another")
}
