package markdown

import (
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"github.com/yuin/goldmark/ast"

	"github.com/seed-c331f47d/builder/internal/planner"
)

var (
	codeSpan   = regexp.MustCompile("``[^\n]+?``|`[^`\n]+`")
	sectionNum = regexp.MustCompile(`^[0-9]+([.)][0-9]*)*[.)]?[ \t]+`)
)

// project gives the name, type and summary: the front matter wins, then the commands the spec
// shows, then its title, then the name of its file.
func (d *document) project(spec *planner.Spec) planner.Project {
	p := planner.Project{Name: spec.Front.Name, Type: spec.Front.Type, Summary: cut(spec.Summary, 300)}
	if p.Type == "" {
		p.Type = typeOf(spec.Sections)
	}
	if p.Name == "" {
		p.Name = d.programName()
	}
	if p.Name == "" {
		p.Name = slug(spec.Title)
	}
	if p.Name == "" {
		base := filepath.Base(spec.Path)
		p.Name = slug(strings.TrimSuffix(base, filepath.Ext(base)))
	}
	if p.Name == "" {
		p.Name = "app"
	}
	return p
}

// typeOf tells the project's type by the sections that only such a project has.
func typeOf(sections []planner.Section) planner.ProjectType {
	for _, rule := range []struct {
		is    planner.ProjectType
		nouns []string
	}{
		{planner.Enterprise, []string{"role", "module", "job"}},
		{planner.FullStack, []string{"page"}},
		{planner.RESTAPI, []string{"endpoint"}},
		{planner.CLITool, []string{"command"}},
	} {
		for _, s := range sections {
			if slices.ContainsFunc(rule.nouns, func(noun string) bool { return titled(s.Title, noun) }) {
				return rule.is
			}
		}
	}
	return planner.Other
}

// titled says whether a heading names noun: "Commands", "2. HTTP endpoints", "Jobs and schedules".
func titled(title, noun string) bool {
	words := strings.FieldsFunc(strings.ToLower(sectionNum.ReplaceAllString(title, "")), func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r)
	})
	if len(words) == 0 {
		return false
	}
	is := func(w string) bool { return w == noun || w == noun+"s" }
	if is(words[0]) {
		return true
	}
	lead := []string{"the", "http", "rest", "api", "web", "cli", "user", "all", "background", "scheduled"}
	for len(words) > 1 && slices.Contains(lead, words[0]) {
		words = words[1:]
	}
	return is(words[0])
}

// underTitled says whether one of the headings names one of the nouns.
func underTitled(under []heading, nouns ...string) bool {
	return slices.ContainsFunc(under, func(h heading) bool {
		return slices.ContainsFunc(nouns, func(n string) bool { return titled(h.title, n) })
	})
}

// programName is the first word of the first command shown under Running, Usage or Commands.
func (d *document) programName() string {
	for _, nouns := range [][]string{{"running", "run", "usage", "start"}, {"command"}} {
		for _, b := range d.blocks {
			if !underTitled(b.under, nouns...) {
				continue
			}
			for _, c := range d.commandsIn(b.node) {
				if name := programIn(c); name != "" {
					return name
				}
			}
		}
	}
	return ""
}

// commandsIn lists the code spans of a block, or the lines of a block of code.
func (d *document) commandsIn(n ast.Node) []string {
	var out []string
	_ = ast.Walk(n, func(c ast.Node, entering bool) (ast.WalkStatus, error) {
		if !entering || c.Type() == ast.TypeInline {
			return ast.WalkContinue, nil
		}
		switch c.Kind() {
		case ast.KindFencedCodeBlock, ast.KindCodeBlock:
			for line := range strings.Lines(d.code(c)) {
				if line = strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(line), "$ ")); line != "" {
					out = append(out, line)
				}
			}
		default:
			out = append(out, codeSpans(d.inline(c))...)
		}
		return ast.WalkContinue, nil
	})
	return out
}

// codeSpans lists what stands between backticks.
func codeSpans(text string) []string {
	var out []string
	for _, s := range codeSpan.FindAllString(text, -1) {
		out = append(out, strings.TrimSpace(strings.Trim(s, "`")))
	}
	return out
}

// programIn gives the program a command line starts, "" when it is some other tool's.
func programIn(command string) string {
	word, _, _ := strings.Cut(command, " ")
	word = strings.TrimPrefix(strings.TrimPrefix(word, "./"), "bin/")
	tools := []string{
		"go", "npm", "npx", "node", "yarn", "pnpm", "python", "python3", "pip", "docker", "make", "cargo", "java",
		"curl", "git", "cd", "export", "sudo", "sh", "bash", "uvicorn", "flask", "true", "echo", "cat", "mkdir",
	}
	if !nameShape().MatchString(word) || slices.Contains(tools, word) {
		return ""
	}
	return word
}

// slug makes a command's name of a title, "" when it has no letter to begin with.
func slug(title string) string {
	title = sectionNum.ReplaceAllString(title, "")
	if i := strings.IndexAny(title, ":(—–|"); i > 0 {
		title = title[:i]
	}
	words := strings.FieldsFunc(strings.ToLower(title), func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < '0' || r > '9')
	})
	words = slices.DeleteFunc(words, func(w string) bool {
		return slices.Contains([]string{"a", "an", "the", "spec", "specification", "project"}, w)
	})
	s := strings.TrimLeft(strings.Join(words, "-"), "0123456789-")
	if len(s) > 40 {
		s = s[:40]
	}
	return strings.Trim(s, "-")
}

// cut shortens text to at most n bytes at a blank.
func cut(text string, n int) string {
	if len(text) <= n {
		return text
	}
	i := strings.LastIndexByte(text[:n], ' ')
	if i <= 0 {
		return ""
	}
	return text[:i] + " …"
}
