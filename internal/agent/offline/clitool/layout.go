package clitool

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// block is the form of an output of one record or of totals: lines, each with the fact whose
// absence leaves the line out.
type block []blockLine

// telling says whether the output depends on anything: a count that does not is an example's own.
func (b block) telling() bool {
	return slices.ContainsFunc(b, func(l blockLine) bool { return len(l.phrase.sources()) > 0 })
}

type blockLine struct {
	phrase phrase
	needs  string // "" for lines that are always there
}

// listing is the form of a list.
type listing struct {
	head  []phrase // lines above the rows
	row   phrase   // one line for each row, nil for a table
	table *table
	foot  []phrase
	bare  bool     // head and foot are left out of an empty list
	empty []phrase // what an empty list prints instead
}

// table is a listing in columns. The widths are the program's to compute unless fixed.
type table struct {
	header  []string // nil for a table without a header line
	columns []phrase
	gap     int   // blanks between columns
	fixed   []int // start of each column in characters, nil when widths follow the cells
	ends    []int // with fixed: where the cells of a column that is set to the right end, 0 for others
	right   []bool
}

// output is what a list printed, with the facts of its rows and of the whole.
type output struct {
	lines []string
	rows  []facts
	facts facts
}

// fitListing finds the listing that gives all outputs.
func fitListing(outputs []output) (listing, bool) {
	var full, empty []output
	for _, o := range outputs {
		if len(o.rows) > 0 {
			full = append(full, o)
		} else {
			empty = append(empty, o)
		}
	}
	l, ok := fitFull(full)
	if !ok {
		return listing{}, false
	}
	if len(empty) == 0 {
		return l, true
	}
	return fitEmpty(l, empty)
}

// fitEmpty adds what an empty list prints: the head and the foot alone, or lines of its own.
func fitEmpty(l listing, empty []output) (listing, bool) {
	if !slices.ContainsFunc(empty, func(o output) bool { return !slices.Equal(l.render(o), o.lines) }) {
		return l, true
	}
	l.bare = true
	var lines [][]example
	for _, o := range empty {
		if len(o.lines) != len(empty[0].lines) {
			return listing{}, false
		}
		for i, line := range o.lines {
			if i >= len(lines) {
				lines = append(lines, nil)
			}
			lines[i] = append(lines[i], example{line, o.facts})
		}
	}
	for _, ex := range lines {
		p, ok := fit(ex)
		if !ok {
			return listing{}, false
		}
		l.empty = append(l.empty, p)
	}
	return l, true
}

// fitFull finds head, rows and foot: the fewest lines around the rows that explain all outputs.
func fitFull(full []output) (listing, bool) {
	if len(full) == 0 {
		return listing{}, true
	}
	for around := 0; around <= 4; around++ {
		for head := 0; head <= min(around, 3); head++ {
			if l, ok := fitAround(full, head, around-head); ok {
				return l, true
			}
		}
	}
	return listing{}, false
}

func fitAround(full []output, head, foot int) (listing, bool) {
	heads, feet := make([][]example, head), make([][]example, foot)
	var rows []example
	for _, o := range full {
		if len(o.lines) != head+len(o.rows)+foot {
			return listing{}, false
		}
		for i := range head {
			heads[i] = append(heads[i], example{o.lines[i], o.facts})
		}
		for i, k := range o.rows {
			rows = append(rows, example{o.lines[head+i], k})
		}
		for i := range foot {
			feet[i] = append(feet[i], example{o.lines[head+len(o.rows)+i], o.facts})
		}
	}
	var l listing
	if t, ok := fitTable(full, head); ok {
		l.table = t
		if t.header != nil {
			heads = heads[:head-1]
		}
	} else if l.row, ok = fit(rows); !ok || !telling(l.row) {
		return listing{}, false
	}
	var ok bool
	if l.head, ok = fitEach(heads); !ok {
		return listing{}, false
	}
	l.foot, ok = fitEach(feet)
	return l, ok
}

// telling says whether every row tells something of its record.
func telling(p phrase) bool {
	return slices.ContainsFunc(p, func(x piece) bool { return x.source != "" && !x.optional })
}

func fitEach(lines [][]example) ([]phrase, bool) {
	var out []phrase
	for _, ex := range lines {
		p, ok := fit(ex)
		if !ok {
			return nil, false
		}
		out = append(out, p)
	}
	return out, true
}

// render gives the lines of a list.
func (l listing) render(o output) []string {
	if len(o.rows) == 0 && l.bare {
		return renderAll(l.empty, o.facts)
	}
	lines := renderAll(l.head, o.facts)
	switch {
	case l.table != nil:
		lines = append(lines, l.table.render(o.rows)...)
	case l.row != nil:
		for _, k := range o.rows {
			lines = append(lines, l.row.render(k))
		}
	}
	return append(lines, renderAll(l.foot, o.facts)...)
}

func renderAll(ps []phrase, k facts) []string {
	var out []string
	for _, p := range ps {
		out = append(out, p.render(k))
	}
	return out
}

// render lays the cells out as text/tabwriter does, or at fixed columns; blanks at the end of a
// line are cut.
func (t *table) render(rows []facts) []string {
	var cells [][]string
	if t.header != nil {
		cells = append(cells, t.header)
	}
	for _, k := range rows {
		cells = append(cells, renderAll(t.columns, k))
	}
	if t.fixed != nil {
		return t.renderFixed(cells)
	}
	starts := t.starts(cells)
	var lines []string
	for _, row := range cells {
		var b strings.Builder
		for i, c := range row {
			width := 0
			if i+1 < len(starts) {
				width = starts[i+1] - starts[i]
			}
			pad := strings.Repeat(" ", max(0, width-utf8.RuneCountInString(c)))
			if i < len(t.right) && t.right[i] {
				pad = strings.Repeat(" ", max(0, width-t.gap-utf8.RuneCountInString(c)))
				b.WriteString(pad + c + strings.Repeat(" ", t.gap))
				continue
			}
			b.WriteString(c + pad)
		}
		lines = append(lines, strings.TrimRight(b.String(), " "))
	}
	return lines
}

// starts computes the columns from the widest cells.
func (t *table) starts(cells [][]string) []int {
	starts := []int{0}
	for i := range t.columns {
		width := 0
		for _, row := range cells {
			width = max(width, utf8.RuneCountInString(row[i]))
		}
		starts = append(starts, starts[i]+width+t.gap)
	}
	return starts
}

// renderFixed lays the cells out at fixed columns.
func (t *table) renderFixed(cells [][]string) []string {
	var lines []string
	for _, row := range cells {
		line := ""
		for i, c := range row {
			at := t.fixed[i]
			if t.ends[i] > 0 {
				at = t.ends[i] - utf8.RuneCountInString(c)
			}
			line += strings.Repeat(" ", max(0, at-utf8.RuneCountInString(line))) + c
		}
		lines = append(lines, strings.TrimRight(line, " "))
	}
	return lines
}
