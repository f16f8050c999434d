package faultpoint

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// The list of points is what the sources have, with the kinds that their calls can give: a step
// that is not listed would never be tried, and a listed one that is gone would pass for tried.
func TestPointsAreThoseOfTheSources(t *testing.T) {
	t.Parallel()
	listed := map[string]string{}
	for _, p := range Points() {
		if _, twice := listed[p.Name]; twice {
			t.Errorf("%s is listed twice", p.Name)
		}
		listed[p.Name] = callOf(p)
	}
	owners := []string{"tool", "setup", "gate", "commit", "checkout"} // kinds of effects
	found := map[string]string{}
	for _, call := range calls(t, "../..") {
		names := []string{call.name}
		if strings.HasSuffix(call.fn, "Of") {
			names = names[:0]
			for _, o := range owners {
				names = append(names, o+"."+call.name)
			}
		}
		for _, name := range names {
			if fn := strings.TrimSuffix(call.fn, "Of"); found[name] == "" || found[name] == fn {
				found[name] = fn
			} else {
				t.Errorf("%s is called as %s and as %s", name, found[name], fn)
			}
		}
	}
	for name, fn := range found {
		if listed[name] != fn {
			t.Errorf("%s is %s in the sources, and %q in the list", name, fn, listed[name])
		}
	}
	for name := range listed {
		if found[name] == "" {
			t.Errorf("%s is in no source", name)
		}
	}
}

// What has to happen before a point is reached is a fault of the list itself.
func TestWhatGoesBeforeIsAFault(t *testing.T) {
	t.Parallel()
	for _, p := range Points() {
		if p.After == "" {
			continue
		}
		name, kind, _ := strings.Cut(p.After, ":")
		if first, ok := Find(name); !ok || first.After != "" || !first.Takes(Kind(kind)) {
			t.Errorf("%s comes after %s, which is no fault of every build", p.Name, p.After)
		}
	}
}

func TestKindsOfPoints(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		point string
		takes []Kind
	}{
		{"intent.after_tx", []Kind{Kill, Panic, Term, Cancel, Delay}},
		{"intent.before_tx", []Kind{Kill, Panic, Term, Cancel, EIO, ENOSPC, Delay}},
		{"spool.append", Kinds()},
	} {
		p, ok := Find(c.point)
		got := slices.DeleteFunc(Kinds(), func(k Kind) bool { return !p.Takes(k) })
		if !ok || !slices.Equal(got, c.takes) || p.Takes("flood") {
			t.Errorf("%s takes %v, want %v", c.point, got, c.takes)
		}
	}
}

func callOf(p Point) string {
	switch {
	case p.Writes:
		return "Write"
	case p.Fails:
		return "At"
	}
	return "Pass"
}

type call struct{ fn, name string }

// calls finds all points in the sources of the product.
func calls(t *testing.T, root string) []call {
	t.Helper()
	var out []call
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") || strings.Contains(path, "testdata") {
			return err
		}
		f, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
		if err != nil {
			return nil //nolint:nilerr // templates of programs are no sources
		}
		ast.Inspect(f, func(n ast.Node) bool {
			c, ok := n.(*ast.CallExpr)
			if !ok {
				return true
			}
			sel, ok := c.Fun.(*ast.SelectorExpr)
			if !ok || len(c.Args) == 0 {
				return true
			}
			if x, ok := sel.X.(*ast.Ident); !ok || x.Name != "faultpoint" || !slices.Contains([]string{"At", "Pass", "PassOf", "Write"}, sel.Sel.Name) {
				return true
			}
			arg := c.Args[0]
			if strings.HasSuffix(sel.Sel.Name, "Of") {
				arg = c.Args[1]
			}
			lit, ok := arg.(*ast.BasicLit)
			if !ok {
				t.Errorf("%s: a point's name is a literal", path)
				return true
			}
			name, err := strconv.Unquote(lit.Value)
			if err != nil {
				t.Error(err)
			}
			out = append(out, call{sel.Sel.Name, name})
			return true
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(out) < 40 {
		t.Fatalf("only %d points found: this test looks at nothing", len(out))
	}
	return out
}
