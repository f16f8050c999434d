package markdown

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"

	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/text"

	"github.com/seed-c331f47d/builder/internal/planner"
)

// Parse reads the bytes of a spec; path is only named in problems and in the result. What is wrong
// with the text is [planner.Problems], all of it at once.
func Parse(path string, data []byte) (*planner.Spec, error) {
	if err := checkText(path, data); err != nil {
		return nil, err
	}
	sum := sha256.Sum256(data)
	spec := &planner.Spec{Path: path, SHA256: hex.EncodeToString(sum[:]), Text: string(data)}
	d := newDocument(path, data)
	yamlText, body, err := splitFront(path, d.src)
	if err != nil {
		return nil, err
	}
	if spec.Front, err = readFront(path, yamlText); err != nil {
		return nil, err
	}
	d.parse(body)
	spec.Title, spec.Summary = d.titleAndSummary()
	spec.Sections = d.sections()
	spec.Project = d.project(spec)
	ps := d.readAcceptance(spec)
	ps = append(ps, d.readRequirements(spec)...)
	if len(ps) > 0 {
		return nil, ps.Sorted()
	}
	return spec, nil
}

// document is a parsed spec: the blocks with the headings they stand under, in order.
type document struct {
	path   string
	src    []byte // without byte order mark
	base   int    // offset at which the Markdown begins, behind the front matter
	lines  lineIndex
	root   ast.Node
	blocks []block
}

// block is one child of the document with its place.
type block struct {
	node  ast.Node
	under []heading // from the outermost; the block itself is not among them
	line  int
	// preface is set on what stands before the first section, in a spec that has sections
	preface bool
}

// heading is a section's heading.
type heading struct {
	level int
	title string
	line  int
}

func newDocument(path string, data []byte) *document {
	src := []byte(strings.TrimPrefix(string(data), bom))
	return &document{path: path, src: src, lines: newLineIndex(src)}
}

// parse finds the blocks of the text from offset body on. Inline markup and link definitions are
// left alone: texts must stay as they were written.
func (d *document) parse(body int) {
	d.base = body
	p := parser.NewParser(parser.WithBlockParsers(parser.DefaultBlockParsers()...))
	d.root = p.Parse(text.NewReader(d.src[body:]))
	var under []heading
	headings, last := 0, d.lineAt(0)
	for n := d.root.FirstChild(); n != nil; n = n.NextSibling() {
		b := block{node: n, line: last}
		if n.Pos() >= 0 {
			b.line = d.lineAt(n.Pos())
		}
		if first, end := d.span(n); first > 0 {
			b.line, last = first, end
		}
		if h, ok := n.(*ast.Heading); ok {
			headings++
			for len(under) > 0 && under[len(under)-1].level >= h.Level {
				under = under[:len(under)-1]
			}
			b.under = under
			d.blocks = append(d.blocks, b)
			under = append(under[:len(under):len(under)], heading{h.Level, d.inline(h), b.line})
			continue
		}
		b.under, b.preface = under, headings <= 1
		d.blocks = append(d.blocks, b)
	}
	for i := range d.blocks {
		d.blocks[i].preface = d.blocks[i].preface && headings > 1
	}
}

// lineAt gives the line in the whole spec of an offset in the Markdown.
func (d *document) lineAt(offset int) int {
	return d.lines.line(min(d.base+offset, max(len(d.src)-1, 0)))
}

// span gives the first and last line of a node's text, 0 when it has none.
func (d *document) span(n ast.Node) (first, last int) {
	_ = ast.Walk(n, func(c ast.Node, entering bool) (ast.WalkStatus, error) {
		if !entering || c.Type() == ast.TypeInline {
			return ast.WalkContinue, nil
		}
		for i := range c.Lines().Len() {
			seg := c.Lines().At(i)
			l := d.lineAt(seg.Start)
			if first == 0 || l < first {
				first = l
			}
			last = max(last, l)
		}
		return ast.WalkContinue, nil
	})
	return first, last
}

// inline gives a node's own lines as one line of text, as written.
func (d *document) inline(n ast.Node) string {
	var b strings.Builder
	for i := range n.Lines().Len() {
		seg := n.Lines().At(i)
		b.WriteByte(' ')
		b.Write(d.src[d.base+seg.Start : d.base+seg.Stop])
	}
	return strings.Join(strings.Fields(b.String()), " ")
}

// titleAndSummary gives the first heading and the first paragraph below it.
func (d *document) titleAndSummary() (title, summary string) {
	for _, b := range d.blocks {
		switch n := b.node.(type) {
		case *ast.Heading:
			if title != "" {
				return title, summary
			}
			title = d.inline(n)
		case *ast.Paragraph:
			if title != "" {
				return title, d.inline(n)
			}
		}
	}
	return title, summary
}

// sections lists every heading with the lines it holds.
func (d *document) sections() []planner.Section {
	var out []planner.Section
	for i, b := range d.blocks {
		h, ok := b.node.(*ast.Heading)
		if !ok {
			continue
		}
		s := planner.Section{Level: h.Level, Title: d.inline(h), First: b.line, Last: len(d.lines)}
		for _, next := range d.blocks[i+1:] {
			if nh, ok := next.node.(*ast.Heading); ok && nh.Level <= h.Level {
				s.Last = max(s.First, next.line-1)
				break
			}
		}
		s.Text = string(d.src[d.lines[s.First-1]:d.endOf(s.Last)])
		out = append(out, s)
	}
	return out
}

// endOf gives the offset behind the last byte of a line.
func (d *document) endOf(line int) int {
	if line < len(d.lines) {
		return d.lines[line]
	}
	return len(d.src)
}
