package blueprint

import (
	"fmt"
	"slices"
	"strings"
)

var (
	// entityHead is "**Tool**:", "`Tool` -" or "Tool:" at the start of an item.
	entityHead = lazy("^(?:(?i:an?|each|every|the) )?(?:\\*\\*([^*]+)\\*\\*|__([^_]+)__|`([^`]+)`|([\\pL\\pN][\\pL\\pN _-]*?))(?: \\([^()]*\\))?\\s*(?::|–|—| - |$|\\s+(?i:has|have|with)\\b:?)\\s*(.*)$")
	// wrappedFields is "**Tool** (name: text, required; price: money)".
	wrappedFields = lazy("^(\\*\\*[^*]+\\*\\*|`[^`]+`)\\s*\\((.*;.*)\\)\\.?$")
	// fieldHead is "name (text, required)" or "name: text, required".
	fieldParens = lazy("^[*_`]*([^()*`:]+?)[*_`]*\\s*\\((.*)\\)$")
	fieldColon  = lazy("^[*_`]*([^():*`]+?)[*_`]*\\s*(?::|–|—| - )\\s*(.+)$")
)

// data reads the entities and their fields.
func (r *reader) data() {
	names := r.entityNames()
	for _, s := range r.doc.sections {
		if s.kind != sectionData {
			continue
		}
		current := -1
		if titleKind(s.title) == sectionOther && s.level > 0 {
			current = r.addEntity(s.title, s.line)
		}
		open := -1
		for n, it := range s.items {
			switch {
			case headParagraph(s.items, n):
				open, current = -1, r.addEntity(headName(entityHead.FindStringSubmatch(it.text)), it.line)
			case it.list && (open < 0 || it.indent <= open) && r.entityItem(it, current):
				open, current = it.indent, len(r.bp.Entities)-1
			case entityParagraph(it) && r.entityItem(it, -1):
				open, current = -1, len(r.bp.Entities)-1
			case it.row && entityColumn(it):
				open = -1
				current = r.rowEntity(&it)
				r.fieldItem(it, current, names)
			case (it.list || it.row) && current >= 0:
				r.fieldItem(it, current, names)
			case it.row:
				r.unknown(it.line, it.text, "the table stands below no entity")
			}
		}
	}
	r.dataFields(names)
	r.dropUnknownRefs()
}

// entityNames gives the names that entity lines and headings of the Data section introduce.
func (r *reader) entityNames() []string {
	var names []string
	for _, s := range r.doc.sections {
		if s.kind != sectionData {
			continue
		}
		if titleKind(s.title) == sectionOther {
			names = append(names, s.title)
		}
		for n, it := range s.items {
			if it.row && entityColumn(it) {
				names = append(names, tableCells(it.text)[0])
			}
			if m := entityHead.FindStringSubmatch(it.text); m != nil && (it.list || entityParagraph(it) || headParagraph(s.items, n)) {
				names = append(names, headName(m))
			}
		}
	}
	return names
}

func headName(m []string) string {
	return strings.TrimSpace(strings.TrimRight(m[1]+m[2]+m[3]+m[4], ": "))
}

// entityItem reads a list item that introduces an entity; inside a heading's entity a plain item
// is a field instead.
func (r *reader) entityItem(it statement, current int) bool {
	if w := wrappedFields.FindStringSubmatch(it.text); w != nil && strings.Contains(w[2], ":") {
		i := r.addEntity(strings.Trim(w[1], "*`_"), it.line)
		for _, part := range splitTop(w[2], ";") {
			if f := fieldColon.FindStringSubmatch(strings.TrimSpace(part)); f != nil {
				part = f[1] + " (" + f[2] + ")"
			}
			r.bp.Entities[i].Fields = append(r.bp.Entities[i].Fields, Field{Name: part, Line: -it.line})
		}
		return true
	}
	m := entityHead.FindStringSubmatch(it.text)
	if m == nil {
		return false
	}
	rest := strings.TrimSpace(m[5])
	marked := m[1]+m[2]+m[3] != ""
	if current >= 0 && !(marked && strings.Contains(rest, ",") && hasFields(rest)) && (rest != "" || fieldParens.MatchString(it.text)) && !hasFields(rest) {
		return false
	}
	if !marked && rest == "" && !strings.HasSuffix(it.text, ":") {
		return false
	}
	if len(nameParts(headName(m))) == 0 {
		return false
	}
	i := r.addEntity(headName(m), it.line)
	if rest != "" {
		r.bp.Entities[i].Fields = append(r.bp.Entities[i].Fields, Field{Name: rest, Line: -it.line})
	}
	return true
}

// entityParagraph says whether a paragraph introduces an entity: a name that is marked or followed
// by a colon, then fields with parentheses.
func entityParagraph(it statement) bool {
	if it.list || it.row {
		return false
	}
	m := entityHead.FindStringSubmatch(it.text)
	return m != nil && len(nameParts(headName(m))) <= 3 && hasFields(m[5]) && (m[1]+m[2]+m[3] != "" || strings.HasPrefix(it.text, m[4]+":"))
}

// entityColumn says whether a row of a table begins with the entity that its field belongs to.
func entityColumn(it statement) bool {
	return len(it.head) > 2 && len(tableCells(it.text)) > 2 && slices.Contains(strings.Fields("entity entities table record model resource object noun type"), it.head[0]) &&
		(it.head[0] != "type" || slices.Contains(it.head[1:], "type") || slices.Contains(it.head[1:], "field"))
}

// rowEntity takes the entity off a row and gives its index; an empty cell means the one above.
func (r *reader) rowEntity(it *statement) int {
	cells := tableCells(it.text)
	it.text, it.head = strings.Join(cells[1:], " | "), it.head[1:]
	for i, e := range r.bp.Entities {
		if strings.EqualFold(e.Name, strings.Join(nameParts(cells[0]), " ")) || cells[0] == "" && i == len(r.bp.Entities)-1 {
			return i
		}
	}
	return r.addEntity(cells[0], it.line)
}

// headParagraph says whether item n is a paragraph that is nothing but an entity's name, marked or
// with a colon, above a list or a table of its fields.
func headParagraph(items []statement, n int) bool {
	it := items[n]
	if it.list || it.row || n+1 >= len(items) || !items[n+1].list && !items[n+1].row {
		return false
	}
	m := entityHead.FindStringSubmatch(it.text)
	if m == nil || strings.TrimSpace(m[5]) != "" || len(nameParts(headName(m))) > 3 {
		return false
	}
	general := strings.Fields("fields field attributes properties columns entities entity notes note example examples data records tables types kinds where with namely")
	words := nameParts(strings.ToLower(headName(m)))
	marked := m[1]+m[2]+m[3] != ""
	return len(words) > 0 && !slices.Contains(general, words[len(words)-1]) && (marked || len(words) <= 2 && strings.HasSuffix(it.text, ":"))
}

// hasFields says whether text is a list of fields with parentheses of their own.
func hasFields(text string) bool {
	n := 0
	for _, part := range splitTop(text, ",;") {
		if m := fieldParens.FindStringSubmatch(strings.TrimRight(strings.TrimSpace(part), ".")); m != nil && !defaultTo.MatchString(m[2]) {
			n++
		}
	}
	return n > 0
}

func (r *reader) addEntity(name string, line int) int {
	for i, e := range r.bp.Entities {
		if strings.EqualFold(strings.Join(nameParts(e.Name), ""), strings.Join(nameParts(name), "")) {
			r.unknown(line, name, "the entity "+name+" is described twice")
			return i
		}
	}
	name = strings.Join(nameParts(name), " ")
	r.bp.Entities = append(r.bp.Entities, Entity{Name: name, Line: line})
	return len(r.bp.Entities) - 1
}

// fieldItem keeps the text of a field item or table row for dataFields.
func (r *reader) fieldItem(it statement, entity int, names []string) {
	text := it.text
	if it.row {
		cells := tableCells(text)
		if len(cells) < 2 {
			return
		}
		text = cells[0] + " (" + strings.Join(rowAttributes(cells[1:], it.head), ", ") + ")"
	} else if !fieldParens.MatchString(strings.TrimRight(text, ".")) {
		if m := fieldColon.FindStringSubmatch(text); m != nil {
			text = m[1] + " (" + strings.TrimRight(m[2], ".") + ")"
		}
	}
	r.bp.Entities[entity].Fields = append(r.bp.Entities[entity].Fields, Field{Name: text, Line: -it.line})
}

// rowAttributes makes attributes of the cells behind a field's name: under a title such as
// "required" or "default" a cell is an answer, under "description" it is prose.
func rowAttributes(cells, head []string) []string {
	var out []string
	for i, c := range cells {
		title := ""
		if i+1 < len(head) {
			title = head[i+1]
		}
		empty := slices.Contains([]string{"", "-", "–", "—", "n/a"}, c)
		agreed := slices.Contains([]string{"yes", "y", "x", "✓", "✔", "true", "ja", "required", "unique", "mandatory"}, strings.ToLower(c))
		denied := empty || slices.Contains([]string{"no", "n", "false", "optional"}, strings.ToLower(c))
		switch word := strings.TrimRight(title, "?"); {
		case (word == "required" || word == "mandatory" || word == "unique") && (agreed || denied):
			if agreed {
				out = append(out, word)
			}
		case (word == "optional" || word == "nullable") && (agreed || denied):
			if !agreed {
				out = append(out, "required")
			}
		case empty:
		case word == "default" || word == "default value":
			out = append(out, "default "+c)
		case (word == "description" || word == "meaning" || word == "example") && !normative.MatchString(c):
		default:
			out = append(out, c)
		}
	}
	return out
}

// dataFields reads the texts that entityItem and fieldItem kept: their Line is negative.
func (r *reader) dataFields(names []string) {
	for i := range r.bp.Entities {
		e := &r.bp.Entities[i]
		kept := e.Fields
		e.Fields = nil
		for _, k := range kept {
			for _, part := range splitTop(strings.TrimRight(strings.TrimSpace(k.Name), "."), ",;") {
				part = strings.TrimSpace(part)
				if part != "" {
					r.field(e, strings.TrimPrefix(part, "and "), -k.Line, names)
				}
			}
		}
	}
}

// field reads one field and adds it, or says why not.
func (r *reader) field(e *Entity, text string, line int, names []string) {
	for _, article := range []string{"a ", "an ", "the ", "its "} {
		text = strings.TrimPrefix(text, article)
	}
	name, attributes := text, ""
	if m := fieldParens.FindStringSubmatch(text); m != nil {
		name, attributes = m[1], m[2]
	}
	name = strings.Trim(strings.TrimSpace(name), "*_`")
	f := Field{Name: name, Key: strings.ToLower(strings.Join(nameParts(name), "_")), Line: line}
	if f.Key == "" || len(nameParts(name)) > 4 {
		r.unknown(line, text, fmt.Sprintf("%q is not understood as a field of %s", text, e.Name))
		return
	}
	if faults := readAttributes(&f, attributes, names); len(faults) > 0 {
		r.unknown(line, text, fmt.Sprintf("field %q of %s: %s", name, e.Name, strings.Join(faults, "; ")))
		if f.Kind == "" {
			return
		}
	}
	if f.Key == "id" {
		if f.Kind != Text && f.Kind != Integer {
			r.unknown(line, text, "an id is given by the program and cannot be of another kind")
		}
		return
	}
	if slices.ContainsFunc(e.Fields, func(o Field) bool { return o.Key == f.Key }) {
		r.unknown(line, text, fmt.Sprintf("field %q of %s is described twice", name, e.Name))
		return
	}
	e.Fields = append(e.Fields, f)
}

// dropUnknownRefs resolves references to the spelling of the entity and reports those to nothing.
func (r *reader) dropUnknownRefs() {
	for i := range r.bp.Entities {
		e := &r.bp.Entities[i]
		e.Fields = slices.DeleteFunc(e.Fields, func(f Field) bool {
			if f.Kind != Ref {
				return false
			}
			if r.entity(f.Ref) == nil {
				r.unknown(f.Line, f.Name, fmt.Sprintf("field %q of %s refers to %q, which is not described", f.Name, e.Name, f.Ref))
				return true
			}
			return false
		})
		for j, f := range e.Fields {
			if f.Kind == Ref {
				e.Fields[j].Ref = r.entity(f.Ref).Name
			}
		}
	}
}

// splitTop splits at any of the separators outside of parentheses, brackets and quotes.
func splitTop(text, separators string) []string {
	var parts []string
	depth, from, quoted := 0, 0, false
	for i, c := range text {
		switch {
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '(' || c == '[' || c == '{':
			depth++
		case c == ')' || c == ']' || c == '}':
			depth = max(0, depth-1)
		case depth == 0 && strings.ContainsRune(separators, c):
			parts = append(parts, text[from:i])
			from = i + len(string(c))
		}
	}
	return append(parts, text[from:])
}

// tableCells splits a table row at the bars outside of code.
func tableCells(row string) []string {
	var cells []string
	code, from := false, 0
	row = strings.Trim(strings.TrimSpace(row), "|")
	for i, c := range row {
		switch {
		case c == '`':
			code = !code
		case c == '|' && !code:
			cells = append(cells, row[from:i])
			from = i + 1
		}
	}
	cells = append(cells, row[from:])
	for i, c := range cells {
		cells[i] = strings.Trim(strings.TrimSpace(c), "*")
		if inner := strings.Trim(cells[i], "`"); !strings.Contains(inner, "`") {
			cells[i] = inner
		}
	}
	return cells
}
