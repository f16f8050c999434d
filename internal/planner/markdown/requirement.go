package markdown

import (
	"fmt"
	"strings"

	"github.com/yuin/goldmark/ast"

	"github.com/seed-c331f47d/builder/internal/planner"
)

// MaxRequirements is how many requirements one spec may hold.
const MaxRequirements = 10_000

// maxLead is the longest text, in bytes, that is repeated before the items it leads to.
const maxLead = 300

// The rules are:
//   - a list item is a requirement, with the items below it, unless those stand alone;
//   - a row of a table is one;
//   - a sentence is one when it asks for something: by a word such as must or cannot, by showing an
//     endpoint, by beginning with code, or by standing under Rules, Requirements or Constraints;
//   - before the first section, and under Introduction and the like, only strong words ask;
//   - a spec in which nothing asks asks for every sentence, and one without sentences for its title;
//   - what stands under Out of scope and the like, in code, and in HTML comments asks for nothing;
//   - a sentence that leads into a list is no requirement: items that do not stand alone repeat it.

var (
	taskBox     = lazy(`^\[[ xX]\][ \t]+`)
	onlyLink    = lazy(`^(\[[^\]]*\]\([^)]*\)|<?https?://\S+>?)[.]?$`)
	tableRuler  = lazy(`^[ \t]*\|?[ \t]*:?-+:?[ \t]*(\|[ \t]*:?-+:?[ \t]*)*\|?[ \t]*$`)
	htmlComment = lazy(`(?s)^\s*<!--.*-->\s*$`)
	boldLead    = lazy(`^(\*\*|__)[^*_]+(\*\*|__)`)
)

// readRequirements lists what the spec asks for, in document order, as R1, R2, …
func (d *document) readRequirements(spec *planner.Spec) planner.Problems {
	c := &collector{doc: d}
	c.document()
	if len(c.found) == 0 {
		c.all = true
		c.document()
	}
	if len(c.found) == 0 && spec.Title != "" {
		c.found = []sentence{{spec.Title, spec.Sections[0].First, spec.Sections[0].First}}
	}
	if len(c.found) == 0 && len(spec.Acceptance) == 0 {
		return planner.Problems{{Code: "E_SPEC_EMPTY", Where: d.path, What: "the spec asks for nothing", Hint: "say in sentences or lists what to build"}}
	}
	if len(c.found) > MaxRequirements {
		return planner.Problems{{
			Code: "E_SPEC_TOO_LARGE", Where: place(d.path, c.found[MaxRequirements].first),
			What: fmt.Sprintf("the spec asks for more than %d things", MaxRequirements), Hint: "split it into several specs",
		}}
	}
	for i, s := range c.found {
		spec.Requirements = append(spec.Requirements, planner.Requirement{
			ID: planner.RequirementID(fmt.Sprintf("R%d", i+1)), Text: s.text, Source: lineRange(s.first, s.last),
		})
	}
	return nil
}

// outOfScope says whether a block stands under a heading that names what is not asked for.
func outOfScope(under []heading) bool {
	for _, h := range under {
		t := strings.ToLower(sectionNum.ReplaceAllString(h.title, ""))
		for _, p := range []string{"out of scope", "non-goal", "non goal", "nongoal", "not in scope", "not included", "not part of"} {
			if strings.HasPrefix(t, p) {
				return true
			}
		}
	}
	return false
}

// introduces says whether a block only introduces: it stands before the first section, or under an
// introduction.
func (c *collector) introduces(b block) bool {
	return b.preface || underTitled(b.under, "introduction", "overview", "background", "motivation", "about", "acceptance", "glossary", "summary")
}

// collector gathers requirements in document order.
type collector struct {
	doc   *document
	found []sentence
	lead  sentence // the sentence ending in ":" before the list at hand
	all   bool     // every sentence asks
}

// document walks all blocks that are in scope.
func (c *collector) document() {
	for i, b := range c.doc.blocks {
		if outOfScope(b.under) {
			continue
		}
		var next ast.Node
		if i+1 < len(c.doc.blocks) {
			next = c.doc.blocks[i+1].node
		}
		c.block(b, next)
	}
}

// block takes one block of the document; next is the one behind it.
func (c *collector) block(b block, next ast.Node) {
	lead := c.lead
	c.lead = sentence{}
	switch n := b.node; n.Kind() {
	case ast.KindList:
		for item := n.FirstChild(); item != nil; item = item.NextSibling() {
			c.item(item, lead, false)
		}
	case ast.KindParagraph, ast.KindTextBlock:
		c.prose(b, next)
	case ast.KindHTMLBlock:
		if !htmlComment().MatchString(c.doc.code(n)) {
			c.prose(b, next)
		}
	case ast.KindBlockquote:
		for child := n.FirstChild(); child != nil; child = child.NextSibling() {
			inner := b
			inner.node = child
			c.block(inner, child.NextSibling())
		}
	}
}

// prose takes a paragraph: a table's rows, or its sentences.
func (c *collector) prose(b block, next ast.Node) {
	lines := c.linesOf(b.node)
	if at := tableAt(lines); at > 0 {
		c.sentences(lines[:at-1], nil, b)
		c.rows(lines[at+1:])
		return
	}
	c.sentences(lines, next, b)
}

// tableAt gives the index of a table's ruler in a paragraph, 0 without one.
func tableAt(lines []textLine) int {
	for i := 1; i < len(lines); i++ {
		if strings.Contains(lines[i].text, "|") && tableRuler().MatchString(lines[i].text) && strings.Contains(lines[i-1].text, "|") {
			return i
		}
	}
	return 0
}

// rows takes the body of a table.
func (c *collector) rows(lines []textLine) {
	for _, l := range lines {
		if text := squeeze(strings.Trim(strings.TrimSpace(l.text), "|")); strings.Trim(text, "| ") != "" {
			c.found = append(c.found, sentence{text, l.line, l.line})
		}
	}
}

// sentences takes those sentences that ask for something.
func (c *collector) sentences(lines []textLine, next ast.Node, b block) {
	all := sentencesOf(lines)
	everything := c.all || underTitled(b.under, "rule", "requirement", "constraint")
	intro := c.introduces(b)
	for i, s := range all {
		leads := i == len(all)-1 && strings.HasSuffix(s.text, ":")
		asks := everything || normative(s.text, intro)
		switch {
		case leads && next != nil && next.Kind() == ast.KindList && len(s.text) <= maxLead:
			if asks {
				c.lead = s
			}
		case leads && c.isGate(next):
		case asks:
			if leads && next != nil && isCode(next) {
				_, last := c.doc.span(next)
				s.last = max(s.last, last)
			}
			c.found = append(c.found, s)
		}
	}
}

// isGate says whether a block is an acceptance block.
func (c *collector) isGate(n ast.Node) bool {
	f, ok := n.(*ast.FencedCodeBlock)
	return ok && c.doc.gateKind(f) != ""
}

func isCode(n ast.Node) bool {
	return n.Kind() == ast.KindFencedCodeBlock || n.Kind() == ast.KindCodeBlock
}

// item takes a list item: its own text with that of the items below it which do not stand alone.
// The lead goes before it when the item needs it, or when it must.
func (c *collector) item(n ast.Node, lead sentence, mustLead bool) {
	own := c.ownText(n)
	at := len(c.found)
	c.found = append(c.found, own) // parents come before the items below them that stand alone
	if lead.text != "" && (mustLead || !standsAlone(own.text)) {
		own = sentence{lead.text + " " + own.text, lead.first, own.last}
	}
	g := gathered{sentence: own}
	for child := n.FirstChild(); child != nil; child = child.NextSibling() {
		if child.Kind() != ast.KindList {
			continue
		}
		for sub := child.FirstChild(); sub != nil; sub = sub.NextSibling() {
			c.subItem(sub, &g)
		}
	}
	own = g.whole()
	onlyLeads := len(g.parts) == 0 && strings.HasSuffix(own.text, ":") && len(c.found) > at+1
	if own.text == "" || onlyLeads || onlyLink().MatchString(own.text) {
		c.found = append(c.found[:at], c.found[at+1:]...)
		return
	}
	c.found[at] = own
}

// gathered is an item's text with the texts of the items that belong to it.
type gathered struct {
	sentence
	parts []string
}

// add takes the text of an item below.
func (g *gathered) add(s sentence) {
	if g.first == 0 {
		g.first = s.first
	}
	g.last = max(g.last, s.last)
	g.parts = append(g.parts, s.text)
}

// whole joins the texts.
func (g *gathered) whole() sentence {
	below := strings.Join(g.parts, "; ")
	switch {
	case below == "":
		return g.sentence
	case g.text == "":
		return sentence{below, g.first, g.last}
	case strings.HasSuffix(g.text, ":"):
		return sentence{g.text + " " + below, g.first, g.last}
	default:
		return sentence{g.text + "; " + below, g.first, g.last}
	}
}

// subItem gives a nested item to its parent, or lets it stand alone, led by a parent that ends in ":".
func (c *collector) subItem(n ast.Node, parent *gathered) {
	if standsAlone(c.ownText(n).text) {
		var lead sentence
		if strings.HasSuffix(parent.text, ":") && len(parent.text) <= maxLead {
			lead = parent.sentence
		}
		c.item(n, lead, lead.text != "")
		return
	}
	if whole := c.allText(n); whole.text != "" {
		parent.add(whole)
	}
}

// standsAlone says whether an item can be understood without what leads to it.
func standsAlone(text string) bool {
	return strings.HasPrefix(text, "`") || boldLead().MatchString(text) || normative(text, false)
}

// ownText is an item's text without that of the lists below it.
func (c *collector) ownText(item ast.Node) sentence {
	return c.gather(item, func(n ast.Node) bool { return n.Kind() == ast.KindList })
}

// allText is an item's text with that of all lists below it.
func (c *collector) allText(item ast.Node) sentence {
	return c.gather(item, func(ast.Node) bool { return false })
}

// gather joins the text below n, leaving out code and what skip names.
func (c *collector) gather(n ast.Node, skip func(ast.Node) bool) sentence {
	var out sentence
	var parts []string
	_ = ast.Walk(n, func(x ast.Node, entering bool) (ast.WalkStatus, error) {
		if !entering || x == n {
			return ast.WalkContinue, nil
		}
		if x.Type() == ast.TypeInline || isCode(x) || skip(x) {
			return ast.WalkSkipChildren, nil
		}
		for _, l := range c.linesOf(x) {
			parts = append(parts, l.text)
			if out.first == 0 {
				out.first = l.line
			}
			out.last = max(out.last, l.line)
		}
		return ast.WalkContinue, nil
	})
	out.text = taskBox().ReplaceAllString(squeeze(strings.Join(parts, " ")), "")
	return out
}

// linesOf lists a block's own lines.
func (c *collector) linesOf(n ast.Node) []textLine {
	var out []textLine
	for i := range n.Lines().Len() {
		seg := n.Lines().At(i)
		out = append(out, textLine{strings.TrimRight(string(seg.Value(c.doc.src[c.doc.base:])), "\r\n"), c.doc.lineAt(seg.Start)})
	}
	return out
}
