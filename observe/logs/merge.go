package logs

// places is a set of places in a line.
type places [maxWords / 64]uint64

func (p *places) set(i int)      { p[i>>6] |= 1 << (i & 63) }
func (p *places) has(i int) bool { return p[i>>6]>>(i&63)&1 == 1 }

// within tells whether all of p are in q.
func (p *places) within(q *places) bool {
	for i, w := range p {
		if w&^q[i] != 0 {
			return false
		}
	}
	return true
}

// kin is a template that a new one could be of the same kind with.
type kin struct {
	node *node
	// differ are the places where they differ, hard of them those where a word
	// stands against a word.
	differ places
	n      int
	hard   int
	same   int // places with the same word
}

// maxKin bounds the templates that a new one is compared with in earnest.
const maxKin = 256

// compare tells where two templates of one shape differ, false if in more places
// than most.
func compare(a, b *node, most int) (k kin, ok bool) {
	k.node = b
	for i, h := range a.hash {
		switch {
		case h != b.hash[i]:
			if k.n == most {
				return k, false
			}
			k.differ.set(i)
			k.n++
			if a.kind[i] == fixed && b.kind[i] != wild || b.kind[i] == fixed && a.kind[i] != wild {
				k.hard++
			}
		case a.kind[i] != wild:
			k.same++
		}
	}
	return k, k.n > 0
}

// generalise looks whether a new template and older ones are one whose words
// differ in some places only because values stand there, and returns the one
// that took it in, nil if it is a kind of its own.
//
// Places where either has something like a value differ easily. Where words
// stand against words it takes several templates that differ in the same places
// only, most of them seen once: values keep being new, words do not.
func (m *Miner) generalise(b *bucket, n *node) *node {
	m.kin = m.kin[:0]
	most := int(m.set.Tuning.Differ * float64(len(n.hash)))
	for _, other := range b.nodes {
		if len(other.hash) != len(n.hash) || len(m.kin) == maxKin {
			continue
		}
		k, ok := compare(n, other, most)
		if !ok || float64(k.n) > m.set.Tuning.Differ*float64(k.same+k.n) {
			continue
		}
		m.kin = append(m.kin, k)
	}
	best := -1
	for i := range m.kin {
		k := &m.kin[i]
		if (best < 0 || k.n < m.kin[best].n) && m.enough(n, k) {
			best = i
		}
	}
	if best < 0 {
		return nil
	}
	return m.unite(b, n, &m.kin[best])
}

// enough tells whether the templates that differ from n within the places of k
// are so many, and so new, that these places hold values.
func (m *Miner) enough(n *node, k *kin) bool {
	if k.hard == 0 {
		return true
	}
	t := &m.set.Tuning
	group, once, lines := 1, 1, uint64(1)
	for i := range m.kin {
		if m.kin[i].differ.within(&k.differ) {
			group++
			lines += m.kin[i].node.count
			if m.kin[i].node.count == 1 {
				once++
			}
		}
	}
	need := t.Kin
	if k.loud(n) {
		return group >= t.ManyLoud
	}
	if k.differ.has(0) && n.kind[0] == fixed {
		need = t.KinFirst
	}
	return group >= max(t.Many, need) || group >= need && float64(once) >= t.Fresh*float64(lines)
}

// loud tells whether the words that differ all begin with a capital: such words
// are names of states more often than values.
func (k *kin) loud(n *node) bool {
	for i := range n.kind {
		if k.differ.has(i) && !(capital(n.words[i]) && capital(k.node.words[i])) {
			return false
		}
	}
	return true
}

func capital(w string) bool { return w != "" && class[w[0]]&upper != 0 }

// unite makes one template of n and of all that differ from it within the
// places of k: the oldest of them, with values in these places.
func (m *Miner) unite(b *bucket, n *node, k *kin) *node {
	var oldest *node
	for i := range m.kin {
		if o := m.kin[i].node; m.kin[i].differ.within(&k.differ) && (oldest == nil || o.birth < oldest.birth) {
			oldest = o
		}
	}
	differ := k.differ
	m.rename(oldest, func() {
		for i := range oldest.kind {
			if differ.has(i) {
				oldest.kind[i], oldest.hash[i], oldest.words[i] = wild, wildHash, ""
			}
		}
		oldest.fixed = 0
		for _, kd := range oldest.kind {
			if kd != wild {
				oldest.fixed++
			}
		}
	})
	for i := range m.kin {
		if o := m.kin[i].node; o != oldest && m.kin[i].differ.within(&differ) {
			m.takeIn(oldest, o)
		}
	}
	b.remove(oldest)
	b.add(oldest)
	return oldest
}
