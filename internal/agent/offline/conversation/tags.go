package conversation

import (
	"regexp"
	"strconv"
	"strings"
)

// Requirement is a requirement as the request states it. First and Last are its lines in the spec,
// 1-based and inclusive; 0 when the request does not say.
type Requirement struct {
	ID, Lines, Text string
	First, Last     int
}

// section returns what stands between <name …> and the last </name> that ends a line of its own,
// and the attributes of the opening tag. The texts inside are untrusted: a closing tag within them
// does not end the section as long as a later one stands alone on its line.
func section(text, name string) (attrs, body string, ok bool) {
	p, ok := locate(text, name)
	if !ok {
		return "", "", false
	}
	return p.attrs, strings.TrimPrefix(text[p.body:p.shut], "\n"), true
}

// span is where a section stands in a text: its opening tag, its body, its closing tag, and what
// follows it.
type span struct {
	open, body, shut, after int
	attrs                   string
}

// locate finds the section called name, as section reads it.
func locate(text, name string) (span, bool) {
	open := regexp.MustCompile(`(?m)^<` + name + `((?: [a-z_]+="[^"\n]*")*)>`)
	at := open.FindStringSubmatchIndex(text)
	if at == nil {
		return span{}, false
	}
	end := lastClosing(text[at[1]:], "</"+name+">")
	if end < 0 {
		return span{}, false
	}
	shut := at[1] + end
	return span{at[0], at[1], shut, shut + len("</"+name+">"), text[at[2]:at[3]]}, true
}

// lastClosing is the offset of the last closing tag followed by a line's end, preferring one that
// stands alone on its line; -1 when there is none.
func lastClosing(text, tag string) int {
	best := -1
	for from := len(text); from >= 0; {
		i := strings.LastIndex(text[:from], tag)
		if i < 0 {
			break
		}
		after := text[i+len(tag):]
		if after == "" || after[0] == '\n' || after[0] == '\r' {
			if i == 0 || text[i-1] == '\n' {
				return i
			}
			if best < 0 {
				best = i
			}
		}
		from = i
	}
	return best
}

var (
	requirementTag = lazy(`(?ms)^<requirement id="([^"\n]*)" lines="([^"\n]*)">(.*?)</requirement>[ \t]*$`)
	gateTag        = lazy(`(?m)^<gate id="([^"\n]*)" kind="([^"\n]*)"((?: [a-z_]+="[^"\n]*")*)>`)
	attribute      = lazy(`([a-z_]+)="([^"\n]*)"`)
)

// attr reads one attribute of an opening tag.
func attr(attrs, name string) string {
	for _, m := range attribute().FindAllStringSubmatch(attrs, -1) {
		if m[1] == name {
			return m[2]
		}
	}
	return ""
}

// requirements reads the <requirements> section of text.
func requirements(text string) []Requirement {
	_, body, _ := section(text, "requirements")
	var rs []Requirement
	for _, m := range requirementTag().FindAllStringSubmatch(body, -1) {
		r := Requirement{ID: m[1], Lines: m[2], Text: strings.TrimSpace(m[3])}
		r.First, r.Last = lines(m[2])
		rs = append(rs, r)
	}
	return rs
}

// lines reads "12" or "12-13"; zeros when it is neither.
func lines(s string) (first, last int) {
	a, b, span := strings.Cut(s, "-")
	first, err := strconv.Atoi(a)
	if err != nil || first < 1 {
		return 0, 0
	}
	if !span {
		return first, first
	}
	last, err = strconv.Atoi(b)
	if err != nil || last < first {
		return 0, 0
	}
	return first, last
}

// givenGate is an acceptance gate that the planner already has. First and Last are its lines in the
// spec; 0 when they are not given.
type givenGate struct {
	ID, Kind    string
	First, Last int
}

// acceptance reads the <acceptance> section of text.
func acceptance(text string) []givenGate {
	_, body, _ := section(text, "acceptance")
	var gs []givenGate
	for _, m := range gateTag().FindAllStringSubmatch(body, -1) {
		g := givenGate{ID: m[1], Kind: m[2]}
		g.First, g.Last = lines(attr(m[3], "lines"))
		gs = append(gs, g)
	}
	return gs
}
