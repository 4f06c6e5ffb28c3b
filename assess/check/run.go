package check

import "github.com/autoecoops/autoecoops/graph"

// Index is a list of checks sorted by what they look at, so that one pass over
// the objects calls for each only those that are interested.
type Index struct {
	containers, pods, units []*Check
	kinds                   map[string][]*Check
	any                     []*Check
}

// NewIndex sorts checks.
func NewIndex(checks []*Check) *Index {
	x := &Index{kinds: map[string][]*Check{}}
	for _, c := range checks {
		switch {
		case c.Container != nil:
			x.containers = append(x.containers, c)
		case c.Pod != nil:
			x.pods = append(x.pods, c)
		case c.Unit != nil:
			x.units = append(x.units, c)
		}
		if c.Object == nil {
			continue
		}
		for _, k := range c.Kinds {
			if k == "*" {
				x.any = append(x.any, c)
			} else {
				x.kinds[k] = append(x.kinds[k], c)
			}
		}
	}
	return x
}

// Object evaluates the checks that look at o alone (and at what the graph
// links to it) and calls emit for each check with its results.
func (x *Index) Object(p *Pass, o *graph.Object, emit func([]*Result)) {
	for _, c := range x.any {
		p.Begin(c, o)
		c.Object(p, o)
		emit(p.End())
	}
	for _, c := range x.kinds[o.Kind] {
		p.Begin(c, o)
		c.Object(p, o)
		emit(p.End())
	}
	if o.Pod == nil {
		return
	}
	for _, c := range x.pods {
		p.Begin(c, o)
		c.Pod(p, o.Pod)
		emit(p.End())
	}
	for _, c := range x.containers {
		p.Begin(c, o)
		for i := range o.Pod.Containers {
			c.Container(p, &o.Pod.Containers[i])
		}
		emit(p.End())
	}
}

// Units is how many checks look at the whole graph.
func (x *Index) Units() int { return len(x.units) }

// Unit evaluates the i-th check that looks at the whole graph.
func (x *Index) Unit(p *Pass, i int, emit func([]*Result)) {
	c := x.units[i]
	p.Begin(c, nil)
	c.Unit(p)
	emit(p.End())
}
