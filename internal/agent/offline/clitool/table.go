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
	return t.spaced(full, head, starts, indented(tables, starts), ends(tables, starts))
}

// ends finds where the widest cells of each column end.
func ends(tables [][][]rune, starts [][]int) []int {
	out := make([]int, len(starts[0]))
	for i, lines := range tables {
		for _, line := range lines {
			for c, from := range starts[i] {
				to := len(line)
				if c+1 < len(starts[i]) {
					to = min(to, starts[i][c+1])
				}
				for to > from && line[to-1] == ' ' {
					to--
				}
				if to > from {
					out[c] = max(out[c], to)
				}
			}
		}
	}
	return out
}

// indented marks the columns in which a cell begins behind the column's place: numbers set to the
// right.
func indented(tables [][][]rune, starts [][]int) []bool {
	out := make([]bool, len(starts[0]))
	for i, lines := range tables {
		for _, line := range lines {
			for c, from := range starts[i] {
				to := len(line)
				if c+1 < len(starts[i]) {
					to = min(to, starts[i][c+1])
				}
				if from < to && line[from] == ' ' && strings.TrimSpace(string(line[from:to])) != "" {
					out[c] = true
				}
			}
		}
	}
	return out
}

// spaced finds the widths: computed with one gap for all outputs, else fixed columns.
func (t *table) spaced(full []output, head int, starts [][]int, right []bool, ends []int) (*table, bool) {
	fits := func(t *table) bool {
		for _, o := range full {
			if !slices.Equal(t.render(o.rows), o.lines[max(0, head-1):head+len(o.rows)]) {
				return false
			}
		}
		return true
	}
	for gap := 2; gap <= 8; gap++ {
		try := *t
		try.gap, try.right = gap, right
		if fits(&try) {
			return &try, true
		}
	}
	try := *t
	try.fixed, try.ends = slices.Clone(starts[0]), ends
	for i := range ends {
		if !right[i] {
			try.ends[i] = 0
		}
		for _, s := range starts {
			try.fixed[i] = min(try.fixed[i], s[i])
		}
	}
	if fits(&try) {
		return &try, true
	}
	return nil, false
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

// fitBlock finds the lines that give all outputs of one record: line by line where all have the
// same number, else by what each line is about.
func fitBlock(examples []output) (block, bool) {
	if b, ok := fitEven(examples); ok {
		return b, true
	}
	return fitMerged(examples)
}

func fitEven(examples []output) (block, bool) {
	lines := make([][]example, len(examples[0].lines))
	for _, o := range examples {
		if len(o.lines) != len(lines) {
			return nil, false
		}
		for i, line := range o.lines {
			lines[i] = append(lines[i], example{line, o.facts})
		}
	}
	phrases, ok := fitEach(lines)
	b := make(block, len(phrases))
	for i := range phrases {
		b[i].phrase = phrases[i]
	}
	return b, ok
}

// fitMerged puts the lines of all outputs in one order by their subjects: the fact that a line
// tells, or its text. A line that is missing somewhere must tell a fact that is empty there; then
// all lines about one fact are left out when it is empty.
func fitMerged(examples []output) (block, bool) {
	var order []string
	lines := map[string][]example{}
	for _, o := range examples {
		at := 0
		for _, line := range o.lines {
			s := subject(line, o.facts)
			if i := slices.Index(order, s); i >= 0 {
				at = i + 1
			} else {
				order = slices.Insert(order, at, s)
				at++
			}
			lines[s] = append(lines[s], example{line, o.facts})
		}
	}
	var b block
	for _, s := range order {
		p, ok := fit(lines[s])
		if !ok {
			return nil, false
		}
		l := blockLine{phrase: p}
		if len(p) <= 3 && len(p.sources()) == 1 {
			l.needs = s
		}
		b = append(b, l)
	}
	for _, o := range examples {
		if !slices.Equal(b.render(o.facts), o.lines) {
			return nil, false
		}
	}
	return b, true
}

// subject is the fact that a line tells, or the line itself when it tells none.
func subject(line string, k facts) string {
	if rs := readings(example{line, k}); len(rs) > 0 {
		if s := rs[0].sources(); len(s) > 0 {
			return s[len(s)-1]
		}
	}
	return line
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
