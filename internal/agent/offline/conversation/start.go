package conversation

import (
	"slices"
	"strings"
)

// The rules are: a server is started as the spec's Running section says, with the builder's port and
// folder in the place of the spec's words for them; one that does not say where the port goes is
// started as every generated server can be.

// start is the command that serves the application.
func (d *drafter) start() []string {
	name := d.project().Name
	usual := []string{"bin/" + name, "serve", "--addr", "127.0.0.1:{port}", "--data", "{data}"}
	if d.work.Blueprint == nil || len(d.work.Blueprint.Running) < 2 {
		return usual
	}
	argv := slices.Clone(d.work.Blueprint.Running)
	argv[0] = "bin/" + argv[0][strings.LastIndex(argv[0], "/")+1:]
	flag := ""
	for i, a := range argv[1:] {
		argv[i+1], flag = placed(a, flag)
	}
	if !slices.ContainsFunc(argv, func(a string) bool { return strings.Contains(a, "{port}") }) || strings.Contains(argv[0], "..") {
		return usual
	}
	return argv
}

var (
	addressValue = lazy(`^(?i:HOST:PORT|ADDR|ADDRESS|LISTEN|[\w.-]*:(?:PORT|\d+))$`)
	portValue    = lazy(`^(?i:PORT|\d{2,5})$`)
	folderValue  = lazy(`^(?i:DIR|FOLDER|DIRECTORY|PATH|DATA|DATADIR|DATA_DIR)$`)
)

// placed replaces one word of a command, or what follows its "=". before is the flag in front of a
// value, "" without one; flag is the flag that the next word belongs to.
func placed(word, before string) (out, flag string) {
	name, value, joined := strings.Cut(word, "=")
	switch {
	case joined && strings.HasPrefix(name, "-"):
		return name + "=" + place(value, name), ""
	case strings.HasPrefix(word, "-"):
		return word, word
	default:
		return place(word, before), ""
	}
}

// place is the builder's value where the spec's stands for an address, a port or a folder.
func place(value, flag string) string {
	bare, name := strings.Trim(value, "<>[]{}"), strings.TrimLeft(strings.ToLower(flag), "-")
	switch {
	case addressValue().MatchString(bare):
		return "127.0.0.1:{port}"
	case name == "port" || name == "p" && portValue().MatchString(bare), bare == "PORT":
		return "{port}"
	case bare == "HOST":
		return "127.0.0.1"
	case folderValue().MatchString(bare), flag != "" && slices.Contains([]string{"data", "data-dir", "dir"}, name):
		return "{data}"
	case bare == "FILE" || flag != "" && slices.Contains([]string{"db", "database", "file"}, name):
		return "{data}/data.db"
	default:
		return value
	}
}
