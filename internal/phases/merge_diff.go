package phases

// Bounds of a comparison. Ordinary sources stay far below; a text made to be slow meets them in
// less than a second, and is then not compared by lines at all.
const (
	maxDiffSteps = 1 << 25 // looks at a pair of lines
	maxDiffDepth = 1 << 14 // half of the lines that differ, lines of one side alone not counted
)

// edit says that lines a0..a1 of one text are lines b0..b1 of another. Edits come in order, and
// between two of them stands at least one line that both texts have.
type edit struct{ a0, a1, b0, b1 int }

// diffLines lists what differs between two texts, whose lines are given as numbers: equal lines have
// equal numbers. It is the shortest list there is; where lines repeat and an edit could stand at
// several places, it stands at the last. It is false when the texts differ too much to say.
//
// It is E. Myers, "An O(ND) Difference Algorithm and Its Variations" (1986), in linear space.
func diffLines(a, b []int) ([]edit, bool) {
	d := differ{a: a, b: b, gone: make([]bool, len(a)), come: make([]bool, len(b)), steps: maxDiffSteps}
	d.pick()
	depth := min((len(d.pa)+len(d.pb)+1)/2, maxDiffDepth)
	d.zero = depth + 1
	d.ahead, d.back = make([]int, 2*depth+3), make([]int, 2*depth+3)
	if !d.compare(0, len(d.pa), 0, len(d.pb)) {
		return nil, false
	}
	return slide(d.edits(), a, b), true
}

// differ compares two texts. A line that the other text does not have cannot be kept, so only the
// others, picked into pa and pb, go through the search.
type differ struct {
	a, b        []int
	pa, pb      []int // the places in a and b of the picked lines
	gone, come  []bool
	ahead, back []int // furthest x on each diagonal from the start and from the end; -1: none
	zero        int   // where diagonal 0 stands in them
	steps       int
}

func (d *differ) pick() {
	inA, inB := map[int]bool{}, map[int]bool{}
	for _, l := range d.a {
		inA[l] = true
	}
	for i, l := range d.b {
		inB[l] = true
		if d.come[i] = !inA[l]; inA[l] {
			d.pb = append(d.pb, i)
		}
	}
	for i, l := range d.a {
		if d.gone[i] = !inB[l]; inB[l] {
			d.pa = append(d.pa, i)
		}
	}
}

func (d *differ) same(i, j int) bool {
	d.steps--
	return d.a[d.pa[i]] == d.b[d.pb[j]]
}

// compare marks what goes and comes between two ranges of picked lines.
func (d *differ) compare(a0, a1, b0, b1 int) bool {
	for a0 < a1 && b0 < b1 && d.same(a0, b0) {
		a0, b0 = a0+1, b0+1
	}
	for a0 < a1 && b0 < b1 && d.same(a1-1, b1-1) {
		a1, b1 = a1-1, b1-1
	}
	if a0 < a1 && b0 < b1 {
		x, y, ok := d.middle(a0, a1, b0, b1)
		return ok && d.compare(a0, x, b0, y) && d.compare(x, a1, y, b1)
	}
	for ; a0 < a1; a0++ {
		d.gone[d.pa[a0]] = true
	}
	for ; b0 < b1; b0++ {
		d.come[d.pb[b0]] = true
	}
	return true
}

// middle finds a point that a shortest path passes, away from both corners: the ranges MUST differ
// in their first and in their last line.
func (d *differ) middle(a0, a1, b0, b1 int) (x, y int, ok bool) {
	n, m := a1-a0, b1-b0
	delta := n - m
	for depth := 0; depth <= min((n+m+1)/2, maxDiffDepth) && d.steps > 0; depth++ {
		d.widen(depth)
		lo, hi := diagonals(depth, n, m)
		for k := lo; k <= hi; k += 2 {
			x := d.step(d.ahead, k, n, m)
			for x >= 0 && x < n && x-k < m && d.same(a0+x, b0+x-k) {
				x++
			}
			d.ahead[d.zero+k] = x
			if other := delta - k; delta%2 != 0 && x >= 0 && -depth < other && other < depth && pathsMet(x, d.back[d.zero+other], n) {
				return a0 + x, b0 + x - k, true
			}
		}
		lo, hi = diagonals(depth, n, m)
		for k := lo; k <= hi; k += 2 {
			x := d.step(d.back, k, n, m)
			for x >= 0 && x < n && x-k < m && d.same(a1-1-x, b1-1-(x-k)) {
				x++
			}
			d.back[d.zero+k] = x
			if other := delta - k; delta%2 == 0 && x >= 0 && -depth <= other && other <= depth && pathsMet(x, d.ahead[d.zero+other], n) {
				return a1 - x, b1 - (x - k), true
			}
		}
	}
	return 0, 0, false
}

// widen makes room for the diagonals of a depth: nothing has been reached beyond them.
func (d *differ) widen(depth int) {
	for _, v := range [][]int{d.ahead, d.back} {
		v[d.zero-depth-1], v[d.zero+depth+1] = -1, -1
		if depth == 0 {
			v[d.zero] = -1
		}
	}
}

// step goes one line further, onto diagonal k, and gives the furthest x; -1 when k is out of reach.
func (d *differ) step(v []int, k, n, m int) int {
	d.steps--
	x := -1
	if k == 0 && v[d.zero-1] < 0 && v[d.zero+1] < 0 && v[d.zero] < 0 {
		return 0 // the start
	}
	if right := v[d.zero+k-1]; right >= 0 && right < n {
		x = right + 1
	}
	if down := v[d.zero+k+1]; down > x && down-(k+1) < m {
		x = down
	}
	return x
}

// diagonals are the ones that a depth reaches within n by m lines.
func diagonals(depth, n, m int) (lo, hi int) {
	lo, hi = -depth, depth
	if lo < -m {
		lo += (-m - lo + 1) / 2 * 2
	}
	if hi > n {
		hi -= (hi - n + 1) / 2 * 2
	}
	return lo, hi
}

func pathsMet(x, other, n int) bool { return other >= 0 && x+other >= n }

// edits reads the marks.
func (d *differ) edits() []edit {
	var out []edit
	for i, j := 0, 0; i < len(d.a) || j < len(d.b); {
		e := edit{a0: i, b0: j}
		for i < len(d.a) && d.gone[i] {
			i++
		}
		for j < len(d.b) && d.come[j] {
			j++
		}
		if e.a1, e.b1 = i, j; e.a0 < e.a1 || e.b0 < e.b1 {
			out = append(out, e)
			continue
		}
		i, j = i+1, j+1
	}
	return out
}

// slide moves edits that could stand at several places to the last of them, and joins those that
// meet: then two sides that made one change say it alike.
func slide(edits []edit, a, b []int) []edit {
	var out []edit
	for i := 0; i < len(edits); i++ {
		e, next := edits[i], edit{a0: len(a), b0: len(b)}
		if i+1 < len(edits) {
			next = edits[i+1]
		}
		for e.a1 < next.a0 && e.slides(a, b, +1) {
			e = edit{e.a0 + 1, e.a1 + 1, e.b0 + 1, e.b1 + 1}
		}
		if e.a1 == next.a0 && i+1 < len(edits) {
			edits[i+1] = edit{e.a0, next.a1, e.b0, next.b1}
			continue
		}
		up, last := e, len(out)-1
		for last >= 0 && up.a0 > out[last].a1 && up.slides(a, b, -1) {
			up = edit{up.a0 - 1, up.a1 - 1, up.b0 - 1, up.b1 - 1}
		}
		if last >= 0 && up.a0 == out[last].a1 {
			edits[i] = edit{out[last].a0, up.a1, out[last].b0, up.b1}
			out, i = out[:last], i-1
			continue
		}
		out = append(out, e)
	}
	return out
}

// slides says whether an edit that only takes away or only adds may as well stand one line further
// down (+1) or up (-1), where both texts have a line.
func (e edit) slides(a, b []int, by int) bool {
	text, from, to := a, e.a0, e.a1
	switch {
	case e.a0 < e.a1 && e.b0 < e.b1:
		return false
	case e.a0 == e.a1:
		text, from, to = b, e.b0, e.b1
	}
	if by > 0 {
		return text[from] == text[to]
	}
	return text[from-1] == text[to-1]
}
