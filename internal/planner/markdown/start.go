package markdown

import (
	"slices"
	"strings"

	"github.com/seed-c331f47d/builder/internal/planner"
)

var (
	hostPort  = lazy(`^(HOST|ADDR|ADDRESS|host|localhost|127\.0\.0\.1|0\.0\.0\.0)?[:](PORT|port|[0-9]{2,5})$`)
	addrFlag  = lazy(`^--?(addr|address|listen|bind|http)$`)
	portFlag  = lazy(`^--?(port|p)$`)
	dataFlag  = lazy(`^--?(data|dir|data-dir|db|database|store|storage|path|file)$`)
	aFileFlag = lazy(`^--?(db|database|file)$`)
	angled    = lazy(`<([A-Za-z:_.-]+)>`)
	envAssign = lazy(`^[A-Za-z_][A-Za-z0-9_]*=`)
)

// startCommand gives the argv that starts the server, from the first command under Running that
// names an address, with the places for port and data filled in; nil when the spec shows none.
func (d *document) startCommand(name string) []string {
	for _, b := range d.blocks {
		if !underTitled(b.under, "running", "run", "usage", "start", "starting") {
			continue
		}
		for _, c := range d.commandsIn(b.node) {
			if argv := startOf(c, name); argv != nil {
				return argv
			}
		}
	}
	return nil
}

// startOf fills in one command, nil when it does not start this program on an address.
func startOf(command, name string) []string {
	words, err := planner.Words(angled().ReplaceAllString(strings.NewReplacer("[", " ", "]", " ").Replace(command), "$1"))
	if err != nil || len(words) == 0 || envAssign().MatchString(words[0]) || programIn(words[0]) == "" {
		return nil
	}
	argv, hasPort, before := []string{"bin/" + name}, false, ""
	for _, w := range words[1:] {
		if strings.ContainsAny(w, "|&;<>$`") {
			return nil
		}
		flag, value, joined := strings.Cut(w, "=")
		if !joined {
			flag, value = before, w
		}
		filled := fill(flag, value)
		hasPort = hasPort || strings.Contains(filled, "{port}")
		if joined {
			filled = flag + "=" + filled
		}
		argv, before = append(argv, filled), w
	}
	if !hasPort {
		return nil
	}
	return argv
}

// fill gives the value a flag gets in a gate.
func fill(flag, value string) string {
	switch {
	case strings.HasPrefix(value, "-"):
		return value
	case hostPort().MatchString(value), addrFlag().MatchString(flag) && isPlaceholder(value):
		return "127.0.0.1:{port}"
	case value == "PORT", portFlag().MatchString(flag):
		return "{port}"
	case aFileFlag().MatchString(flag), value == "FILE", value == "DB":
		return "{data}/data.db"
	case dataFlag().MatchString(flag), slices.Contains([]string{"DIR", "DATA", "DATADIR", "DATA_DIR", "FOLDER", "PATH"}, value):
		return "{data}"
	default:
		return value
	}
}

// isPlaceholder tells words in capitals.
func isPlaceholder(w string) bool { return w != "" && strings.ToUpper(w) == w }
