package stream

// none is no row.
const none = ^uint32(0)

// index finds rows by hashes: an open table with linear probing. It holds a part of each
// hash, so that few other rows are looked at, and eight bytes for an entry.
type index struct {
	entries []entry
	n       int
}

type entry struct{ tag, at uint32 } // at is one more than the row, 0 for no entry

// smallestIndex is how many entries the first table has.
const smallestIndex = 16

// place is where an entry of a hash is best. The lowest bits chose the shard.
func (x *index) place(hash uint64) int { return int(hash/parts) & (len(x.entries) - 1) }

func tagOf(hash uint64) uint32 { return uint32(hash >> 32) }

func (x *index) find(hash uint64, is func(at uint32) bool) uint32 {
	if x.n == 0 {
		return none
	}
	tag := tagOf(hash)
	for i := x.place(hash); ; i = (i + 1) & (len(x.entries) - 1) {
		e := x.entries[i]
		if e.at == 0 {
			return none
		}
		if e.tag == tag && is(e.at-1) {
			return e.at - 1
		}
	}
}

// put adds a row that is not there. hashAt is asked for the hashes of others when the
// table grows.
func (x *index) put(hash uint64, at uint32, hashAt func(uint32) uint64) {
	if 8*(x.n+1) > 7*len(x.entries) {
		old := x.entries
		x.entries = make([]entry, max(smallestIndex, 2*len(old)))
		for _, e := range old {
			if e.at != 0 {
				x.set(hashAt(e.at-1), e)
			}
		}
	}
	x.set(hash, entry{tagOf(hash), at + 1})
	x.n++
}

func (x *index) set(hash uint64, e entry) {
	i := x.place(hash)
	for x.entries[i].at != 0 {
		i = (i + 1) & (len(x.entries) - 1)
	}
	x.entries[i] = e
}

// remove takes a row out that is there, and moves those up that were only put behind it
// because of it.
func (x *index) remove(hash uint64, at uint32, hashAt func(uint32) uint64) {
	mask := len(x.entries) - 1
	i := x.place(hash)
	for x.entries[i].at != at+1 {
		i = (i + 1) & mask
	}
	x.n--
	for j := (i + 1) & mask; x.entries[j].at != 0; j = (j + 1) & mask {
		// One whose best place is after the gap stays.
		if best := x.place(hashAt(x.entries[j].at - 1)); (j-best)&mask >= (j-i)&mask {
			x.entries[i] = x.entries[j]
			i = j
		}
	}
	x.entries[i] = entry{}
}
