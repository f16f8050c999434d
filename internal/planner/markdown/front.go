package markdown

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/seed-c331f47d/builder/internal/planner"
)

var (
	frontKey  = lazy(`^[A-Za-z_][A-Za-z0-9_-]*[ \t]*:`)
	yamlLine  = lazy(`line (\d+): *`)
	nameShape = lazy(`^[a-z][a-z0-9-]{0,39}$`)
)

// splitFront cuts the front matter off src: the YAML between a first line "---" and the next one.
// It gives the offset at which the Markdown begins; without front matter that is 0. A "---" that no
// key follows is a rule across the page.
func splitFront(path string, src []byte) (yamlText []byte, body int, err error) {
	first, rest, ok := bytes.Cut(src, []byte("\n"))
	if !ok || string(bytes.TrimRight(first, " \t\r")) != "---" {
		return nil, 0, nil
	}
	begin := len(src) - len(rest)
	for at := begin; at < len(src); {
		end := len(src)
		if i := bytes.IndexByte(src[at:], '\n'); i >= 0 {
			end = at + i + 1
		}
		if line := string(bytes.TrimRight(src[at:end], " \t\r\n")); line == "---" || line == "..." {
			return src[begin:at], end, nil
		}
		at = end
	}
	if frontKey().Match(bytes.TrimSpace(rest)) {
		return nil, 0, fault("E_SPEC_FRONT_MATTER", place(path, 1), "the front matter has no closing line ---", "close it with a line ---")
	}
	return nil, 0, nil
}

// readFront decodes the front matter strictly.
func readFront(path string, text []byte) (planner.Front, error) {
	var f planner.Front
	if len(bytes.TrimSpace(text)) == 0 {
		return f, nil
	}
	dec := yaml.NewDecoder(bytes.NewReader(text))
	dec.KnownFields(true)
	if err := dec.Decode(&f); err != nil && !errors.Is(err, io.EOF) {
		return planner.Front{}, frontFault(path, err)
	}
	if f.Name != "" && !nameShape().MatchString(f.Name) {
		return planner.Front{}, fault("E_SPEC_FRONT_MATTER", place(path, 1), fmt.Sprintf("name %.60q cannot name a command", f.Name),
			"use lower-case letters, digits and hyphens, a letter first, at most 40")
	}
	if f.Type != "" && !f.Type.Valid() {
		return planner.Front{}, fault("E_SPEC_FRONT_MATTER", place(path, 1), fmt.Sprintf("type %.60q is not known", string(f.Type)),
			"use cli-tool, rest-api, full-stack, enterprise, library or other")
	}
	return f, nil
}

// frontFault turns a YAML error into a problem with the line in the spec.
func frontFault(path string, err error) error {
	what, line := err.Error(), 1
	if m := yamlLine().FindStringSubmatch(what); m != nil {
		if n, convErr := strconv.Atoi(m[1]); convErr == nil {
			line = n + 1 // the line --- comes before
		}
	}
	what = strings.Join(strings.Fields(yamlLine().ReplaceAllString(what, "")), " ")
	what = strings.TrimPrefix(strings.TrimPrefix(what, "yaml: "), "unmarshal errors: ")
	what = strings.ReplaceAll(what, " not found in type planner.Front", " is not known")
	return fault("E_SPEC_FRONT_MATTER", place(path, line), what, "front matter may hold name and type, once each")
}
