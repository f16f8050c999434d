package clitool

import (
	"slices"
	"strings"
)

// fitTable reads outputs as a table with columns at least two blanks apart; head counts the lines
// above the rows, the last of which is the header line.
func fitTable(full []output, head int) (*table, bool) {
	var tables [][][]rune
	for _, o := range full {
		from := max(0, head-1)
		var lines [][]rune
		for _, line := range o.lines[from : head+len(o.rows)] {
			lines = append(lines, []rune(line))
		}
		tables = append(tables, lines)
	}
	starts := make([][]int, len(tables))
	for i, lines := range tables {
		starts[i] = columnStarts(lines)
	}
	if !agree(starts) || len(starts[0]) < 2 {
		return nil, false
	}
	t := &table{}
	cells := make([][]example, len(starts[0]))
	for i, lines := range tables {
		for j, line := range lines {
			row := split(line, starts[i])
			if head > 0 && j == 0 {
				if t.header != nil && !slices.Equal(t.header, row) {
					return nil, false
				}
				t.header = row
				continue
			}
			k := full[i].rows[j-min(head, 1)]
			for c, text := range row {
				cells[c] = append(cells[c], example{text, k})
			}
		}
	}
	var ok bool
	if t.columns, ok = fitEach(cells); !ok || !slices.ContainsFunc(t.columns, telling) {
		return nil, false
	}
	return t.spaced(full, head, starts)
}

// spaced finds the widths: computed with one gap for all outputs, else fixed columns.
func (t *table) spaced(full []output, head int, starts [][]int) (*table, bool) {
	fits := func(t *table) bool {
		for _, o := range full {
			if !slices.Equal(t.render(o.rows), o.lines[max(0, head-1):head+len(o.rows)]) {
				return false
			}
		}
		return true
	}
	for gap := 2; gap <= 8; gap++ {
		for _, right := range [][]bool{nil, numericColumns(t)} {
			try := *t
			try.gap, try.right = gap, right
			if fits(&try) {
				return &try, true
			}
		}
	}
	try := *t
	try.fixed = starts[0]
	if fits(&try) {
		return &try, true
	}
	return nil, false
}

// numericColumns marks the columns that a person would set to the right.
func numericColumns(t *table) []bool {
	out := make([]bool, len(t.columns))
	for i, c := range t.columns {
		out[i] = len(c) == 1 && c[0].source == "id"
	}
	return out
}

func agree(starts [][]int) bool {
	return !slices.ContainsFunc(starts, func(s []int) bool { return len(s) != len(starts[0]) })
}

// columnStarts finds the places where text begins in some line after two blanks in every line.
func columnStarts(lines [][]rune) []int {
	width := 0
	for _, line := range lines {
		width = max(width, len(line))
	}
	blank := func(c int) bool {
		return !slices.ContainsFunc(lines, func(line []rune) bool { return c < len(line) && line[c] != ' ' })
	}
	starts := []int{0}
	for c := 2; c < width; c++ {
		if !blank(c) && blank(c-1) && blank(c-2) {
			starts = append(starts, c)
		}
	}
	return starts
}

func split(line []rune, starts []int) []string {
	row := make([]string, len(starts))
	for i, from := range starts {
		to := len(line)
		if i+1 < len(starts) {
			to = min(to, starts[i+1])
		}
		if from < to {
			row[i] = strings.TrimSpace(string(line[from:to]))
		}
	}
	return row
}

// fitBlock finds the lines that give all outputs of one record. Where an output has fewer lines
// than another, the lines whose one fact is empty in it are those left out.
func fitBlock(examples []output) (block, bool) {
	longest := examples[0]
	for _, o := range examples {
		if len(o.lines) > len(longest.lines) {
			longest = o
		}
	}
	b := make(block, len(longest.lines))
	for i, line := range longest.lines {
		if rs := readings(example{line, longest.facts}); len(rs) > 0 {
			if s := rs[0].sources(); len(s) == 1 {
				b[i].needs = s[0]
			}
		}
	}
	lines := make([][]example, len(b))
	dropped := make([]bool, len(b))
	for _, o := range examples {
		at := 0
		for i := range b {
			if len(o.lines) < len(b) && b[i].needs != "" && o.facts[b[i].needs] == "" {
				dropped[i] = true
				continue
			}
			if at >= len(o.lines) {
				return nil, false
			}
			lines[i] = append(lines[i], example{o.lines[at], o.facts})
			at++
		}
		if at != len(o.lines) {
			return nil, false
		}
	}
	for i := range b {
		if !dropped[i] {
			b[i].needs = ""
		}
		var ok bool
		if b[i].phrase, ok = fit(lines[i]); !ok {
			return nil, false
		}
	}
	return b, true
}

func (b block) render(k facts) []string {
	var out []string
	for _, l := range b {
		if l.needs == "" || k[l.needs] != "" {
			out = append(out, l.phrase.render(k))
		}
	}
	return out
}
