package budget

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// PlanTask is the reserved task under which a build plans.
const PlanTask = "plan"

// Op is the identity of one effect: build / task / attempt / step . send. Steps are numbered by
// position in the attempt's transcript; each send of a model call is an op of its own. Send is 0
// for effects that are not model calls.
type Op struct {
	Build   string `json:"build"`
	Task    string `json:"task"`
	Attempt int    `json:"attempt"`
	Step    int    `json:"step"`
	Send    int    `json:"send,omitempty"`
}

// ErrOp means that a text or value is not an op: builds are [A-Za-z0-9._-], tasks [a-z0-9._-], the
// three numbers at least 0, the whole at most 200 bytes.
var ErrOp = errors.New("not an op")

// String writes o as build/task/attempt/step.send, for people, records and logs.
func (o Op) String() string { return o.join("/") }

// File writes o as a name of a file: the same with "~" between the parts. Check o first.
func (o Op) File() string { return o.join("~") }

func (o Op) join(sep string) string {
	return o.Build + sep + o.Task + sep + strconv.Itoa(o.Attempt) + sep + strconv.Itoa(o.Step) + "." + strconv.Itoa(o.Send)
}

// Check returns ErrOp when o cannot be written and read back.
func (o Op) Check() error {
	switch {
	case !name(o.Build, true) || !name(o.Task, false):
	case o.Attempt < 0 || o.Step < 0 || o.Send < 0:
	case len(o.String()) > 200:
	default:
		return nil
	}
	return fmt.Errorf("check %q: %w", clip(o.String()), ErrOp)
}

// ParseOp reads what String or File wrote; anything else, however near, is ErrOp.
func ParseOp(s string) (Op, error) {
	sep := "/"
	if strings.Contains(s, "~") {
		sep = "~"
	}
	bad := fmt.Errorf("parse %q: %w", clip(s), ErrOp)
	parts := strings.Split(s, sep)
	if len(parts) != 4 {
		return Op{}, bad
	}
	step, send, _ := strings.Cut(parts[3], ".")
	o := Op{Build: parts[0], Task: parts[1]}
	for _, n := range []struct {
		into *int
		text string
	}{{&o.Attempt, parts[2]}, {&o.Step, step}, {&o.Send, send}} {
		v, err := strconv.Atoi(n.text)
		if err != nil {
			return Op{}, bad
		}
		*n.into = v
	}
	if o.Check() != nil || o.join(sep) != s {
		return Op{}, bad
	}
	return o, nil
}

// name says whether s consists of letters, digits, dots, underscores and hyphens.
func name(s string, upper bool) bool {
	for _, c := range s {
		switch {
		case c >= 'a' && c <= 'z', c >= '0' && c <= '9', c == '.', c == '_', c == '-':
		case upper && c >= 'A' && c <= 'Z':
		default:
			return false
		}
	}
	return s != ""
}
