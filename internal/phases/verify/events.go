package verify

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"unicode"

	"github.com/seed-c331f47d/builder/internal/planner"
)

// testEvent is a line of "go test -json" (go doc test2json).
type testEvent struct {
	Action     string
	Package    string
	ImportPath string // of build-output
	Test       string
	Output     string
}

// countEvents counts the pass events of named tests. The end of a package counts for nothing: a
// TestMain that leaves early passes without a test.
func countEvents(stdout []byte) tally {
	t := tally{passed: map[string]bool{}}
	said := map[string]*strings.Builder{}
	var order []string
	scanner := bufio.NewScanner(bytes.NewReader(stdout))
	scanner.Buffer(nil, gateOutput+1)
	for scanner.Scan() {
		var e testEvent
		if json.Unmarshal(scanner.Bytes(), &e) != nil {
			continue // a line of a build tool between the events
		}
		key := e.Package + e.ImportPath + " " + e.Test
		switch e.Action {
		case "output", "build-output":
			if said[key] == nil {
				said[key] = &strings.Builder{}
			}
			said[key].WriteString(e.Output)
			if e.Action == "build-output" && !slices.Contains(order, key) {
				order = append(order, key)
			}
		case "pass":
			if e.Test != "" {
				t.passed[key] = true
			}
		case "skip":
			if e.Test != "" {
				t.skipped++
			}
		case "fail":
			order = append(order, key)
			t.failed = append(t.failed, key)
		}
	}
	for _, key := range t.failed {
		delete(t.passed, key)
	}
	var text strings.Builder
	for _, key := range order {
		if said[key] != nil {
			text.WriteString(said[key].String())
		}
	}
	t.said = text.String()
	return t
}

// missingTests says which tests of the frozen files did not run and pass, or that a TestMain of the
// agent stands before them; "" when all is well.
func missingTests(tree string, frozen []planner.FrozenFile, count tally) (string, error) {
	ours := map[string]bool{}
	dirs := map[string]bool{}
	var missing []string
	for _, f := range frozen {
		if !strings.HasSuffix(f.Path, "_test.go") {
			continue
		}
		ours[path.Clean(f.Path)], dirs[path.Dir(path.Clean(f.Path))] = true, true
		for _, name := range testNames(f.Content) {
			if !passedIn(count, path.Dir(path.Clean(f.Path)), name) {
				missing = append(missing, name+" of "+f.Path)
			}
		}
	}
	if len(missing) > 0 {
		return "tests of the plan did not run and pass: " + strings.Join(missing, ", "), nil
	}
	for dir := range dirs {
		if file, err := foreignTestMain(tree, dir, ours); err != nil || file != "" {
			return fmt.Sprintf("%s declares TestMain in the package of the plan's own tests; remove it", file), err
		}
	}
	return "", nil
}

// passedIn says whether a test of that name passed in a package that can lie in dir.
func passedIn(count tally, dir, name string) bool {
	for key := range count.passed {
		pkg, test, _ := strings.Cut(key, " ")
		if test == name && (dir == "." || strings.HasSuffix(pkg, "/"+dir) || pkg == dir) {
			return true
		}
	}
	return false
}

// testNames lists the tests that a file declares; nil when it does not parse, which the run shows.
func testNames(content string) []string {
	file, err := parser.ParseFile(token.NewFileSet(), "", content, parser.SkipObjectResolution)
	if err != nil {
		return nil
	}
	var names []string
	for _, d := range file.Decls {
		f, ok := d.(*ast.FuncDecl)
		if ok && f.Recv == nil && isTest(f.Name.Name) {
			names = append(names, f.Name.Name)
		}
	}
	return names
}

// isTest is the go command's rule for the names of tests.
func isTest(name string) bool {
	rest, ok := strings.CutPrefix(name, "Test")
	return ok && name != "TestMain" && (rest == "" || !unicode.IsLower([]rune(rest)[0]))
}

// foreignTestMain finds a TestMain in dir that is not in one of the plan's own files.
func foreignTestMain(tree, dir string, ours map[string]bool) (string, error) {
	entries, err := os.ReadDir(filepath.Join(tree, dir))
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("look for TestMain: %w", err)
	}
	for _, e := range entries {
		name := path.Join(dir, e.Name())
		if !strings.HasSuffix(name, "_test.go") || ours[name] || !e.Type().IsRegular() {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(tree, name), nil, parser.SkipObjectResolution)
		if err != nil {
			continue // it did not compile either
		}
		for _, d := range file.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && f.Recv == nil && f.Name.Name == "TestMain" {
				return name, nil
			}
		}
	}
	return "", nil
}
