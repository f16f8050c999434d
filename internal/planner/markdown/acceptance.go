package markdown

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/yuin/goldmark/ast"

	"github.com/seed-c331f47d/builder/internal/planner"
)

// codeBlock is a fenced block of code with its place.
type codeBlock struct {
	node        *ast.FencedCodeBlock
	kind        planner.GateKind
	under       []heading
	first, last int // lines of its text
}

// readAcceptance makes a gate of every http and console block. Where a spec has an acceptance
// section only the blocks below it count, and a malformed one is a problem; without such a section
// every block that can be read counts.
func (d *document) readAcceptance(spec *planner.Spec) planner.Problems {
	all := d.codeBlocks()
	strict := false
	for _, s := range spec.Sections {
		strict = strict || titled(s.Title, "acceptance")
	}
	start := d.startCommand(spec.Project.Name)
	var ps planner.Problems
	for _, b := range all {
		if strict && !underTitled(b.under, "acceptance") {
			continue
		}
		g, err := d.gate(b)
		if err != nil {
			if strict {
				ps = append(ps, acceptanceFault(d.path, b, err))
			}
			continue
		}
		g.ID = planner.GateID(fmt.Sprintf("acceptance-%d", len(spec.Acceptance)+1))
		if g.Kind == planner.GateHTTP {
			g.Start = slices.Clone(start)
		}
		spec.Acceptance = append(spec.Acceptance, g)
	}
	return ps
}

// codeBlocks lists the http and console blocks at any depth, in document order.
func (d *document) codeBlocks() []codeBlock {
	var out []codeBlock
	for _, b := range d.blocks {
		_ = ast.Walk(b.node, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
			f, ok := n.(*ast.FencedCodeBlock)
			if !entering || !ok {
				return ast.WalkContinue, nil
			}
			if kind := d.gateKind(f); kind != "" {
				first, last := d.span(f)
				if first == 0 { // an empty block
					first = b.line
					if f.Pos() >= 0 {
						first = d.lineAt(f.Pos())
					}
					last = first
				}
				out = append(out, codeBlock{node: f, kind: kind, under: b.under, first: first, last: last})
			}
			return ast.WalkSkipChildren, nil
		})
	}
	return out
}

// gateKind tells by its info string what a block of code proves, "" for an illustration.
func (d *document) gateKind(f *ast.FencedCodeBlock) planner.GateKind {
	if f.Info == nil {
		return ""
	}
	info, _, _ := strings.Cut(strings.TrimSpace(string(f.Info.Segment.Value(d.src[d.base:]))), " ")
	switch strings.ToLower(info) {
	case "http":
		return planner.GateHTTP
	case "console", "shell-session", "shellsession", "sh-session":
		return planner.GateTranscript
	default:
		return ""
	}
}

// gate reads a block's text.
func (d *document) gate(b codeBlock) (planner.Gate, error) {
	g := planner.Gate{Kind: b.kind, Source: lineRange(b.first, b.last)}
	if n := len(b.under); n > 0 && !titled(b.under[n-1].title, "acceptance") {
		g.Title = cut(b.under[n-1].title, 80)
	}
	text := d.code(b.node)
	if b.kind == planner.GateHTTP {
		lines, _, err := planner.ParseSteps(text)
		g.Steps = lines
		return g, err
	}
	_, err := planner.ParseSession(text)
	g.Session = strings.Trim(text, "\n") + "\n"
	if why := planner.Vacuous(g); err == nil && why != "" {
		err = errors.New(why)
	}
	return g, err
}

// code gives the text of a block of code with plain line ends.
func (d *document) code(n ast.Node) string {
	var b strings.Builder
	for i := range n.Lines().Len() {
		seg := n.Lines().At(i)
		b.Write(seg.Value(d.src[d.base:]))
	}
	return strings.ReplaceAll(b.String(), "\r\n", "\n")
}

// acceptanceFault names the line in the spec at which a block cannot be read.
func acceptanceFault(path string, b codeBlock, err error) planner.Problem {
	line := b.first
	var le *planner.LineError
	if errors.As(err, &le) {
		line, err = min(b.first+le.Line-1, b.last), le.Err
	}
	hint := `write steps such as: POST /tools {"name":"Drill"} -> 201 {"id":"$tool"}`
	if b.kind == planner.GateTranscript {
		hint = `write "$ command", the expected output below it, and "! exit 1" where it must fail`
	}
	return planner.Problem{Code: "E_SPEC_ACCEPTANCE", Where: place(path, line), What: err.Error(), Hint: hint}
}

// lineRange writes lines as a requirement's source: "12" or "12-13".
func lineRange(first, last int) string {
	if last <= first {
		return fmt.Sprint(first)
	}
	return fmt.Sprintf("%d-%d", first, last)
}
