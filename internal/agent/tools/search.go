package tools

import (
	"context"
	_ "embed"
	"fmt"
	"os"
	"regexp"
	"strings"

	"github.com/seed-c331f47d/builder/internal/agent"
)

//go:embed search.md
var searchWords string

const searchSchema = `{"type":"object","properties":{"pattern":{"type":"string"},"path":{"type":"string"},"glob":{"type":"string"}},"required":["pattern"],"additionalProperties":false}`

const (
	mostFound   = 200      // lines of one search
	mostPattern = 1 << 10  // bytes
	mostScanned = 64 << 20 // bytes of one search
)

type searchInput struct {
	Pattern string `json:"pattern"`
	Path    string `json:"path"`
	Glob    string `json:"glob"`
}

func (t *Toolbox) searchTool() tool {
	return define("search", searchWords, searchSchema, true, func(ctx context.Context, root *os.Root, in searchInput) (agent.ToolResult, error) {
		return says(t.search(ctx, root, in))
	})
}

func (t *Toolbox) search(ctx context.Context, root *os.Root, in searchInput) (string, error) {
	if in.Pattern == "" || len(in.Pattern) > mostPattern {
		return "", fault(CodePattern, "the pattern has %d bytes; 1 to %d are allowed", len(in.Pattern), mostPattern)
	}
	re, err := regexp.Compile(in.Pattern)
	if err != nil {
		return "", fault(CodePattern, "%s", strings.TrimPrefix(err.Error(), "error parsing regexp: "))
	}
	if err := checkGlob(in.Glob); err != nil {
		return "", err
	}
	f := finder{re: re}
	err = visit(ctx, root, in.Path, func(e entry) error {
		if in.Glob != "" && !matches(in.Glob, e.path) {
			return nil
		}
		return f.file(e)
	})
	if err != nil {
		return "", err
	}
	return f.String(), nil
}

// finder gathers lines that match.
type finder struct {
	re      *regexp.Regexp
	out     strings.Builder
	found   int
	scanned int
	full    bool
}

// file looks through one file; what is no readable text is left out.
func (f *finder) file(e entry) error {
	if !e.info.Mode().IsRegular() || e.info.Size() > mostFile {
		return nil
	}
	content, _, err := place{dir: e.dir, name: e.name, path: e.path}.read(mostFile, CodeFileTooLarge)
	if err != nil || binary(content) {
		return nil //nolint:nilerr // a file that went away or may not be read holds no match
	}
	if f.scanned += len(content); f.scanned > mostScanned {
		f.full = true
		return errStop
	}
	n := 0
	for line := range strings.Lines(valid(content)) {
		n++
		line = strings.TrimRight(line, "\r\n")
		if !f.re.MatchString(line) {
			continue
		}
		hit := fmt.Sprintf("%s:%d: %s\n", e.path, n, shorten(line, 300))
		if f.found >= mostFound || f.out.Len()+len(hit) > mostShown {
			f.full = true
			return errStop
		}
		f.found++
		f.out.WriteString(hit)
	}
	return nil
}

// String is what the model gets.
func (f *finder) String() string {
	switch {
	case f.full:
		return f.out.String() + "[there is more; narrow pattern, path or glob]\n"
	case f.found == 0:
		return "[nothing found]"
	default:
		return f.out.String()
	}
}
