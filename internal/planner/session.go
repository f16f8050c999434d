package planner

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Exchange is one command of a console session and what must come of it.
type Exchange struct {
	Command string // as typed, without the prompt; [Words] splits it
	Stdin   string // text of a here-document, with its final newline
	Output  string // expected, lines joined by \n, without trailing blank lines; "" asks nothing
	Exit    int    // expected exit code
	Line    int    // of the prompt in the session, from 1
}

var (
	sessionExit    = lazy(`^! exit[ \t]+(\d{1,3})$`)
	sessionHeredoc = lazy(`[ \t]*<<[ \t]*['"]?([A-Za-z_][A-Za-z0-9_]*)['"]?[ \t]*$`)
)

// ParseSession reads a console session:
//
//	$ shelf add Emma --pages 474
//	added 1
//	$ shelf show nothing
//	! exit 1
//	no book "nothing"
//
// A command ends at its line, or goes on behind a trailing backslash; "<<EOF" at its end takes the
// lines up to EOF as input. Expected output follows; "! exit N" in it sets the exit code. An output
// line that itself begins with "$ " or "! " is written with a backslash before it. Blank lines and
// lines that begin with # before the first command are left out. A fault is a [LineError].
func ParseSession(text string) ([]Exchange, error) {
	p := sessionParser{lines: strings.Split(strings.ReplaceAll(text, "\r\n", "\n"), "\n")}
	for p.next < len(p.lines) {
		if err := p.line(); err != nil {
			return nil, err
		}
	}
	if len(p.out) == 0 {
		return nil, &LineError{Line: 1, Err: errors.New("parse session: no line begins with \"$ \"")}
	}
	p.flush()
	return p.out, nil
}

// sessionParser walks the lines of a session.
type sessionParser struct {
	lines   []string
	next    int
	out     []Exchange
	output  []string
	hasExit bool
}

// line takes the next line: a prompt, an exit code, or output.
func (p *sessionParser) line() error {
	at, line := p.next+1, strings.TrimRight(p.lines[p.next], " \t\r")
	p.next++
	switch {
	case line == "$" || strings.HasPrefix(line, "$ "):
		return p.prompt(at, strings.TrimSpace(line[1:]))
	case len(p.out) == 0 && (line == "" || strings.HasPrefix(line, "#")):
	case len(p.out) == 0:
		return &LineError{Line: at, Err: errors.New("parse session: output before the first command")}
	case line == "!" || strings.HasPrefix(line, "! exit"):
		return p.exit(at, line)
	default:
		if strings.HasPrefix(line, `\$ `) || strings.HasPrefix(line, `\! `) {
			line = line[1:]
		}
		p.output = append(p.output, line)
	}
	return nil
}

// prompt begins a new exchange.
func (p *sessionParser) prompt(at int, command string) error {
	p.flush()
	parts := []string{command}
	for last := command; strings.HasSuffix(last, `\`) && p.next < len(p.lines); p.next++ {
		parts[len(parts)-1] = strings.TrimSpace(strings.TrimSuffix(last, `\`))
		last = strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(p.lines[p.next]), "> "))
		parts = append(parts, last)
	}
	command = strings.TrimSpace(strings.Join(parts, " "))
	x := Exchange{Line: at}
	if m := sessionHeredoc().FindStringSubmatchIndex(command); m != nil {
		end := command[m[2]:m[3]]
		command = command[:m[0]]
		var input strings.Builder
		for ; ; p.next++ {
			if p.next == len(p.lines) {
				return &LineError{Line: at, Err: fmt.Errorf("parse session: input of the command has no closing %s", end)}
			}
			if strings.TrimRight(p.lines[p.next], " \t\r") == end {
				p.next++
				break
			}
			input.WriteString(p.lines[p.next] + "\n")
		}
		x.Stdin = input.String()
	}
	if command == "" {
		return &LineError{Line: at, Err: errors.New("parse session: no command behind the prompt")}
	}
	x.Command = command
	p.out = append(p.out, x)
	return nil
}

// exit sets the exit code of the command before it.
func (p *sessionParser) exit(at int, line string) error {
	m := sessionExit().FindStringSubmatch(line)
	if m == nil {
		return &LineError{Line: at, Err: fmt.Errorf("parse session: %.40q is not \"! exit N\"", line)}
	}
	n, err := strconv.Atoi(m[1])
	if err != nil || n > 255 {
		return &LineError{Line: at, Err: fmt.Errorf("parse session: exit code %s is not from 0 to 255", m[1])}
	}
	if p.hasExit {
		return &LineError{Line: at, Err: errors.New("parse session: a second exit code for one command")}
	}
	p.out[len(p.out)-1].Exit, p.hasExit = n, true
	return nil
}

// flush gives the output read so far to the last exchange.
func (p *sessionParser) flush() {
	if len(p.out) > 0 {
		p.out[len(p.out)-1].Output = strings.TrimRight(strings.Join(p.output, "\n"), "\n")
	}
	p.output, p.hasExit = nil, false
}
