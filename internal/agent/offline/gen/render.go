package gen

import (
	"bytes"
	"embed"
	"fmt"
	"go/format"
	"path"
	"slices"
	"strconv"
	"strings"
	"text/template"

	"github.com/seed-c331f47d/builder/internal/agent/offline/blueprint"
	"github.com/seed-c331f47d/builder/internal/agent/offline/unit"
)

//go:embed templates
var templates embed.FS

// job is one file to be rendered: a template of the templates folder with its data.
type job struct {
	path     string
	template string
	data     any
}

// Render fills the templates and finishes the Go files among them as [Finish] does.
func render(jobs []job, m Manner) ([]unit.File, error) {
	root := template.New("").Funcs(functions(m)).Funcs(expressions())
	root, err := root.ParseFS(templates, "templates/*.tmpl")
	if err != nil {
		return nil, fmt.Errorf("parse templates: %w", err)
	}
	var files []unit.File
	for _, j := range jobs {
		var b bytes.Buffer
		if err := root.ExecuteTemplate(&b, j.template+".tmpl", j.data); err != nil {
			return nil, fmt.Errorf("render %s: %w", j.path, err)
		}
		files = append(files, unit.File{Path: j.path, Content: b.String()})
	}
	return Finish(files)
}

// Finish removes from the Go files what nothing uses, imports and unexported declarations, and
// formats them. Files of one package MUST be finished together. Other files only lose blank lines
// at their ends.
func Finish(files []unit.File) ([]unit.File, error) {
	out := slices.Clone(files)
	packages := map[string][]int{}
	var dirs []string
	for i, f := range out {
		if path.Ext(f.Path) != ".go" {
			out[i].Content = strings.TrimSpace(f.Content) + "\n"
			continue
		}
		dir := path.Dir(f.Path)
		if packages[dir] == nil {
			dirs = append(dirs, dir)
		}
		packages[dir] = append(packages[dir], i)
	}
	for _, dir := range dirs {
		if err := shake(out, packages[dir]); err != nil {
			return nil, err
		}
	}
	for i, f := range out {
		if path.Ext(f.Path) != ".go" {
			continue
		}
		src, err := dropImports(f)
		if err != nil {
			return nil, err
		}
		formatted, err := format.Source([]byte(src))
		if err != nil {
			return nil, fmt.Errorf("format %s: %w", f.Path, err)
		}
		out[i].Content = string(formatted)
	}
	return out, nil
}

// functions are what the templates call.
func functions(m Manner) template.FuncMap {
	return template.FuncMap{
		"quote":      strconv.Quote,
		"unexported": unexported,
		"lower":      strings.ToLower,
		"join":       strings.Join,
		"word":       m.word,
		"article":    article,
		"comment":    comment,
		"add":        func(a, b int) int { return a + b },
		"kind":       func(k blueprint.Kind) string { return string(k) },
	}
}

// article puts "a" or "an" before a noun.
func article(noun string) string {
	if noun != "" && strings.ContainsRune("aeioAEIO", rune(noun[0])) {
		return "an " + noun
	}
	return "a " + noun
}

// comment makes text safe to stand in a line comment.
func comment(text string) string {
	return strings.Join(strings.Fields(text), " ")
}
