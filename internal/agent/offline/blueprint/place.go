package blueprint

import (
	"encoding/json"
	"slices"
	"strings"
)

// acceptance collects the http and console blocks of all sections.
func (r *reader) acceptance() {
	for _, s := range r.doc.sections {
		for _, b := range s.blocks {
			if kind := acceptanceKind(b.Lang); kind != "" {
				r.bp.Acceptance = append(r.bp.Acceptance, Block{kind, b.Text, b.Line})
			}
		}
	}
}

// acceptanceKind is what a code block in the language shows: "http", "console", "" for neither.
func acceptanceKind(lang string) string {
	switch lang {
	case "http", "rest":
		return "http"
	case "console", "shell-session", "shellsession", "sh-session", "terminal", "session", "transcript":
		return "console"
	}
	return ""
}

// jsonKey is a key in the JSON of an acceptance block.
var jsonKey = lazy(`"((?:[^"\\]|\\.)*)"\s*:`)

// spellKeys takes over the spelling that acceptance blocks give to keys: "boughtOn" for "bought on".
func (r *reader) spellKeys() {
	spelled := map[string]string{}
	for _, b := range r.bp.Acceptance {
		for _, m := range jsonKey.FindAllStringSubmatch(b.Text, -1) {
			var key string
			if json.Unmarshal([]byte(`"`+m[1]+`"`), &key) != nil || len(nameParts(key)) == 0 || strings.ContainsAny(key, "\" \\\t") {
				continue
			}
			bare := strings.ToLower(strings.Join(nameParts(key), ""))
			if _, known := spelled[bare]; !known {
				spelled[bare] = key
			}
		}
	}
	for i := range r.bp.Entities {
		e := &r.bp.Entities[i]
		for j, f := range e.Fields {
			key, ok := spelled[strings.ToLower(strings.Join(nameParts(f.Key), ""))]
			taken := slices.ContainsFunc(e.Fields, func(o Field) bool { return o.Key == key })
			if ok && !taken && key != "id" {
				e.Fields[j].Key = key
			}
		}
	}
}

// running reads the command line that starts the program.
func (r *reader) running() {
	for _, s := range r.doc.sections {
		if s.kind != sectionRunning {
			continue
		}
		for _, it := range s.items {
			if first, _, _ := strings.Cut(it.text, " "); strings.Contains(it.text, " --") && first == r.bp.Name {
				r.runLine(it.text, it.line)
			}
			for _, m := range codeSpan.FindAllStringSubmatch(it.text, -1) {
				r.runLine(m[1], it.line)
			}
		}
		for _, b := range s.blocks {
			at := b.Line
			for line := range strings.Lines(b.Text) {
				r.runLine(line, at)
				at++
			}
		}
	}
}

// runLine takes the first line that begins with a program and has a word or a flag behind it. A
// flag of a service that no rule knows is reported: the program would refuse it.
func (r *reader) runLine(line string, at int) {
	words := strings.Fields(strings.TrimPrefix(strings.TrimSpace(strings.ReplaceAll(line, "`", "")), "$ "))
	if len(r.bp.Running) > 0 || len(words) < 2 {
		return
	}
	words[0] = strings.TrimPrefix(strings.TrimPrefix(words[0], "./"), "bin/")
	if !verbWord.MatchString(words[0]) || slices.Contains([]string{"go", "make", "docker", "curl", "cd", "git"}, words[0]) {
		return
	}
	r.bp.Running, r.runAt = words, at
	if r.bp.Type != "rest-api" {
		return
	}
	for _, w := range words[1:] {
		flag := strings.Trim(w, "[]()")
		if name, _, _ := strings.Cut(strings.TrimLeft(flag, "-"), "="); strings.HasPrefix(flag, "-") && RunFlagOf(name) == "" {
			r.unknown(at, line, "nothing says what the flag "+flag+" of the program is for")
		}
	}
}

// commands reads the sections that describe the command line.
func (r *reader) commands() {
	for _, s := range r.doc.sections {
		if s.kind != sectionCommands {
			continue
		}
		commands, unknown := ReadCommands(strings.Join(s.body, "\n"), s.first, r.bp.Name, r.bp.Entities)
		r.bp.Commands = append(r.bp.Commands, commands...)
		r.bp.Unknown = append(r.bp.Unknown, unknown...)
	}
	if len(r.bp.Commands) == 0 && r.bp.Type == "cli-tool" {
		r.usages()
	}
	r.runFlags()
}

// runFlags reports the flags of a tool's Running line that neither the data nor a command has.
func (r *reader) runFlags() {
	if r.bp.Type != "cli-tool" {
		return
	}
	for _, w := range r.bp.Running {
		name, ok := strings.CutPrefix(strings.Trim(w, "[]().,;"), "--")
		name, _, _ = strings.Cut(name, "=")
		known := !ok || slices.Contains(strings.Fields("data file db data-file store data-dir help"), name) ||
			slices.ContainsFunc(r.bp.Commands, func(c Command) bool {
				return slices.ContainsFunc(c.Flags, func(f Arg) bool { return f.Name == name })
			})
		if !known {
			r.unknown(r.runAt, strings.Join(r.bp.Running, " "), "nothing says what the flag --"+name+" of the program is for")
		}
	}
}

// usages takes the commands from a section such as "Usage" where none is called "Commands".
func (r *reader) usages() {
	for _, s := range r.doc.sections {
		if s.kind != sectionRunning || !strings.Contains(strings.ToLower(s.title), "usage") {
			continue
		}
		commands, unknown := ReadCommands(strings.Join(s.body, "\n"), s.first, r.bp.Name, r.bp.Entities)
		r.bp.Commands = append(r.bp.Commands, commands...)
		r.bp.Unknown = append(r.bp.Unknown, unknown...)
	}
}

// RunFlag is what a flag of the program's command line is for.
type RunFlag string

// The flags that a service knows.
const (
	RunAddr RunFlag = "addr"
	RunHost RunFlag = "host"
	RunPort RunFlag = "port"
	RunData RunFlag = "data" // a folder
	RunFile RunFlag = "file" // the store's own file
)

// RunFlagOf says what a flag called name is for, "" when no rule knows.
func RunFlagOf(name string) RunFlag {
	switch strings.ToLower(strings.ReplaceAll(name, "_", "-")) {
	case "addr", "address", "listen", "bind", "listen-addr", "http", "l":
		return RunAddr
	case "host", "hostname":
		return RunHost
	case "port", "p":
		return RunPort
	case "data", "data-dir", "dir", "datadir", "store", "state", "state-dir", "folder", "d":
		return RunData
	case "db", "database", "file", "db-file", "db-path":
		return RunFile
	}
	return ""
}
