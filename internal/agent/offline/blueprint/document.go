package blueprint

import (
	"strings"
	"unicode"
)

// sectionKind says what a section is about.
type sectionKind int

const (
	sectionOther sectionKind = iota
	sectionData
	sectionEndpoints
	sectionCommands
	sectionRules
	sectionRunning
	sectionAcceptance
	sectionExcluded // what is not wanted
)

// document is a spec cut into sections, statements and code blocks.
type document struct {
	front    map[string]string
	title    string
	summary  string
	sections []section
}

// section is what stands below one heading up to the next one of any level.
type section struct {
	kind   sectionKind
	title  string
	level  int
	line   int
	first  int // line of the first line of the body
	body   []string
	items  []statement
	blocks []Block
}

// statement is a list item, a paragraph or a table row, with its continuation lines.
type statement struct {
	text   string
	line   int
	indent int // of a list item
	list   bool
	row    bool
	head   []string // of a row: the titles of the columns, in lower case, where the table has a head
}

func readDocument(spec string) document {
	spec = strings.ReplaceAll(strings.ReplaceAll(spec, "\r\n", "\n"), "\r", "\n")
	spec = strings.TrimPrefix(spec, "\ufeff")
	lines := strings.Split(spec, "\n")
	d := document{front: map[string]string{}}
	start := d.readFront(lines)
	d.sections = []section{{line: start + 1, first: start + 1}}
	fence := ""
	for i := start; i < len(lines); i++ {
		line := lines[i]
		at := &d.sections[len(d.sections)-1]
		if mark := fenceMark(line); mark != "" && (fence == "" || strings.HasPrefix(mark, fence) && strings.TrimSpace(line) == mark) {
			if fence == "" {
				fence = mark
			} else {
				fence = ""
			}
		} else if level, title := heading(line); fence == "" && level > 0 {
			d.sections = append(d.sections, section{title: title, level: level, line: i + 1, first: i + 2})
			if d.title == "" {
				d.title = title
			}
			continue
		}
		at.body = append(at.body, line)
	}
	for i := range d.sections {
		s := &d.sections[i]
		s.read()
		s.kind = d.kindOf(i)
		if d.summary == "" && len(s.items) > 0 && !s.items[0].list && (s.title == d.title || s.title == "") {
			d.summary = s.items[0].text
		}
	}
	return d
}

// readFront reads the "key: value" lines between two lines of dashes and gives the index of the
// first line behind them.
func (d *document) readFront(lines []string) int {
	if len(lines) == 0 || strings.TrimRight(lines[0], " \t") != "---" {
		return 0
	}
	for i, line := range lines[1:] {
		if strings.TrimRight(line, " \t") == "---" {
			for _, l := range lines[1 : i+1] {
				if key, value, ok := strings.Cut(l, ":"); ok {
					value, _, _ = strings.Cut(value, " #")
					d.front[strings.ToLower(strings.TrimSpace(key))] = strings.Trim(strings.TrimSpace(value), `"'`)
				}
			}
			return i + 2
		}
	}
	return 0
}

func fenceMark(line string) string {
	t := strings.TrimLeft(line, " ")
	for _, c := range []string{"`", "~"} {
		n := len(t) - len(strings.TrimLeft(t, c))
		if n >= 3 {
			return t[:n]
		}
	}
	return ""
}

func heading(line string) (level int, title string) {
	level = len(line) - len(strings.TrimLeft(line, "#"))
	if level < 1 || level > 6 || len(line) > level && line[level] != ' ' && line[level] != '\t' {
		return 0, ""
	}
	return level, strings.TrimSpace(strings.TrimRight(strings.TrimSpace(line[level:]), "#"))
}

// read cuts the body into statements and code blocks.
func (s *section) read() {
	open := false
	fence := ""
	var head []string
	for i, line := range s.body {
		trimmed := strings.TrimSpace(line)
		mark := fenceMark(line)
		switch {
		case fence == "" && mark != "":
			fence, open = mark, false
			info, _, _ := strings.Cut(strings.TrimSpace(strings.TrimLeft(trimmed, "`~")), " ")
			s.blocks = append(s.blocks, Block{Lang: strings.ToLower(info), Line: s.first + i + 1})
		case fence != "" && strings.HasPrefix(mark, fence) && trimmed == mark:
			fence = ""
		case fence != "":
			s.blocks[len(s.blocks)-1].Text += line + "\n"
		case trimmed == "" || strings.HasPrefix(trimmed, "<!--"):
			open = false
		case itemStart.MatchString(line):
			indent := len(line) - len(strings.TrimLeft(line, " \t"))
			s.items = append(s.items, statement{text: itemStart.ReplaceAllString(line, ""), line: s.first + i, indent: indent, list: true})
			open = true
		case strings.HasPrefix(trimmed, "|") && strings.Trim(trimmed, "|-: ") == "":
			// The line below the head of a table: the head says nothing by itself.
			if n := len(s.items); n > 0 && s.items[n-1].row {
				head = tableCells(strings.ToLower(s.items[n-1].text))
				s.items = s.items[:n-1]
			}
		case strings.HasPrefix(trimmed, "|"):
			if n := len(s.items); n > 0 && (!s.items[n-1].row || s.items[n-1].line < s.first+i-2) {
				head = nil
			}
			s.items = append(s.items, statement{text: trimmed, line: s.first + i, row: true, head: head})
			open = false
		case open:
			s.items[len(s.items)-1].text += " " + trimmed
		default:
			s.items = append(s.items, statement{text: strings.TrimPrefix(trimmed, "> "), line: s.first + i})
			open = true
		}
	}
}

// kindOf classifies the section by its title; one that says nothing belongs to the nearest
// classified heading above it of a lower level.
func (d document) kindOf(i int) sectionKind {
	level := d.sections[i].level
	for j := i; j >= 0; j-- {
		s := d.sections[j]
		if j < i && s.level >= level {
			continue
		}
		level = s.level
		if s.level == 1 && j > 0 && s.title == d.title {
			return sectionOther
		}
		if k := titleKind(s.title); k != sectionOther {
			return k
		}
	}
	return sectionOther
}

func titleKind(title string) sectionKind {
	words := nameParts(strings.ToLower(title))
	has := func(any ...string) bool {
		for _, w := range words {
			for _, a := range any {
				if w == a {
					return true
				}
			}
		}
		return false
	}
	phrase := " " + strings.Join(words, " ") + " "
	contains := func(p string) bool { return strings.Contains(phrase, " "+p+" ") }
	switch {
	case contains("out of scope") || contains("non goals") || contains("not in scope") || contains("not wanted"):
		return sectionExcluded
	case has("acceptance", "examples", "example", "scenarios", "walkthrough"):
		return sectionAcceptance
	case has("rules", "constraints", "behaviour", "behavior", "validation", "invariants", "policies", "policy"):
		return sectionRules
	case has("running", "run", "usage", "start", "starting", "operation", "launch", "deployment"):
		return sectionRunning
	case has("commands", "command", "subcommands", "verbs"):
		return sectionCommands
	case has("endpoints", "endpoint", "api", "routes", "http", "rest"):
		return sectionEndpoints
	case has("data", "entities", "entity", "model", "models", "records", "schema", "domain", "nouns", "resources"):
		return sectionData
	default:
		return sectionOther
	}
}

// nameParts splits a name at everything that is neither letter, mark nor digit.
func nameParts(name string) []string {
	return strings.FieldsFunc(name, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.IsMark(r) })
}
