package gen

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/seed-c331f47d/builder/internal/agent/offline/unit"
)

// emptyImport is what is left when no import was used.
var emptyImport = regexp.MustCompile(`import \(\s*\)\n`)

// declaration is a top-level declaration of one package: its names, what it mentions, its place.
type declaration struct {
	file       int
	from, to   int // bytes
	names      []string
	uses       map[string]bool
	root, test bool
}

// shake removes the unexported functions, types, constants and variables that nothing reachable
// from the exported ones uses, so that templates need not count who calls what. In tests only
// helpers that no test calls are removed.
func shake(files []unit.File, members []int) error {
	var all []declaration
	for _, i := range members {
		ds, err := declarations(files[i], i)
		if err != nil {
			return err
		}
		all = append(all, ds...)
	}
	for _, withTests := range []bool{false, true} {
		live := reach(all, withTests)
		for i := len(all) - 1; i >= 0; i-- {
			if d := all[i]; d.test == withTests && !live[i] {
				files[d.file].Content = files[d.file].Content[:d.from] + files[d.file].Content[d.to:]
				all = slices.Delete(all, i, i+1)
				live = slices.Delete(live, i, i+1)
			}
		}
	}
	return nil
}

// reach marks the declarations that are used, directly or not, by a root.
func reach(all []declaration, withTests bool) []bool {
	live := make([]bool, len(all))
	known := map[string]bool{}
	for again := true; again; {
		again = false
		for i, d := range all {
			if live[i] || d.test && !withTests {
				continue
			}
			if d.root || slices.ContainsFunc(d.names, func(n string) bool { return known[n] }) {
				live[i], again = true, true
				for name := range d.uses {
					known[name] = true
				}
			}
		}
	}
	return live
}

func declarations(f unit.File, index int) ([]declaration, error) {
	fset := token.NewFileSet()
	parsed, err := parser.ParseFile(fset, f.Path, f.Content, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return nil, fmt.Errorf("parse %s: %w", f.Path, err)
	}
	test := strings.HasSuffix(f.Path, "_test.go")
	var out []declaration
	for _, d := range parsed.Decls {
		x := declaration{file: index, uses: map[string]bool{}, test: test}
		from := d.Pos()
		switch d := d.(type) {
		case *ast.FuncDecl:
			x.names = []string{d.Name.Name}
			x.root = isRoot(d.Name.Name, parsed.Name.Name)
			if d.Doc != nil {
				from = d.Doc.Pos()
			}
		case *ast.GenDecl:
			if d.Tok == token.IMPORT {
				continue
			}
			x.names = specNames(d)
			x.root = slices.ContainsFunc(x.names, func(n string) bool { return isRoot(n, parsed.Name.Name) })
			if d.Doc != nil {
				from = d.Doc.Pos()
			}
		}
		x.from, x.to = fset.Position(from).Offset, fset.Position(d.End()).Offset
		mentions(d, x.names, x.uses)
		out = append(out, x)
	}
	return out, nil
}

func isRoot(name, pkg string) bool {
	return ast.IsExported(name) || name == "_" || name == "main" && pkg == "main"
}

func specNames(d *ast.GenDecl) []string {
	var names []string
	for _, s := range d.Specs {
		switch s := s.(type) {
		case *ast.TypeSpec:
			names = append(names, s.Name.Name)
		case *ast.ValueSpec:
			for _, n := range s.Names {
				names = append(names, n.Name)
			}
		}
	}
	return names
}

// mentions collects the identifiers below n, but for the declaration's own.
func mentions(n ast.Node, own []string, into map[string]bool) {
	ast.Inspect(n, func(n ast.Node) bool {
		if id, ok := n.(*ast.Ident); ok && !slices.Contains(own, id.Name) {
			into[id.Name] = true
		}
		return true
	})
}

// dropImports removes the imports whose package is not mentioned.
func dropImports(f unit.File) (string, error) {
	fset := token.NewFileSet()
	parsed, err := parser.ParseFile(fset, f.Path, f.Content, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return "", fmt.Errorf("parse %s: %w", f.Path, err)
	}
	used := map[string]bool{}
	ast.Inspect(parsed, func(n ast.Node) bool {
		if s, ok := n.(*ast.SelectorExpr); ok {
			if id, ok := s.X.(*ast.Ident); ok {
				used[id.Name] = true
			}
		}
		return true
	})
	src := f.Content
	for _, spec := range slices.Backward(parsed.Imports) {
		at, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			return "", fmt.Errorf("import of %s: %w", f.Path, err)
		}
		name := path.Base(at)
		if spec.Name != nil {
			name = spec.Name.Name
		}
		if name == "_" || used[name] {
			continue
		}
		from := fset.Position(spec.Pos()).Offset
		src = src[:from] + src[fset.Position(spec.End()).Offset:]
	}
	return emptyImport.ReplaceAllString(src, ""), nil
}
