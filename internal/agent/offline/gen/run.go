package gen

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/seed-c331f47d/builder/internal/agent/offline/blueprint"
)

// runView is how the service is started.
type runView struct {
	Command string // "serve", "" for none
	Usage   string
	Flags   []flagView
	Address string // Go expression of HOST:PORT
	Store   string // Go expression of the store's file
	Example string // a command line that works
}

type flagView struct{ Name, Var, Default, Help string }

// Placeholder stands for the flag's value in the help.
func (f flagView) Placeholder() string { return strings.ToUpper(f.Var) }

// run makes the flags of the line in the Running section, or of the usual one.
func (s service) run() runView {
	program := s.names.Program
	v := runView{}
	words := s.bp.Running
	if len(words) < 2 {
		words = []string{program, "serve", "--addr", "HOST:PORT", "--data", "DIR"}
	}
	has := map[blueprint.RunFlag]bool{}
	for i, w := range words[1:] {
		if !strings.HasPrefix(w, "-") {
			if i == 0 {
				v.Command = w
			}
			continue
		}
		name, value, joined := strings.Cut(strings.TrimLeft(w, "-"), "=")
		if !joined && i+2 < len(words) && !strings.HasPrefix(words[i+2], "-") {
			value = words[i+2]
		}
		if use := blueprint.RunFlagOf(name); use != "" && !has[use] {
			has[use] = true
			v.Flags = append(v.Flags, runFlag(use, name, value, program))
		}
	}
	v.Address, v.Store = s.address(has), s.store(has)
	v.Usage, v.Example = program, "bin/"+program
	if v.Command != "" {
		v.Usage += " " + v.Command
		v.Example += " " + v.Command
	}
	for _, f := range v.Flags {
		v.Usage += fmt.Sprintf(" --%s %s", f.Name, strings.ToUpper(f.Var))
		v.Example += fmt.Sprintf(" --%s %s", f.Name, f.Default)
	}
	v.Usage = "usage: " + v.Usage
	return v
}

func runFlag(use blueprint.RunFlag, name, value, program string) flagView {
	f := flagView{Name: name, Var: string(use)}
	concrete := strings.ContainsAny(value, "0123456789./") && strings.Trim(value, "ABCDEFGHIJKLMNOPQRSTUVWXYZ:_<>[]") != ""
	switch use {
	case blueprint.RunAddr:
		f.Default, f.Help = "127.0.0.1:8080", "address to listen on"
		concrete = concrete && strings.Contains(value, ":")
	case blueprint.RunHost:
		f.Default, f.Help = "127.0.0.1", "host to listen on"
	case blueprint.RunPort:
		f.Default, f.Help = "8080", "port to listen on"
		if _, err := strconv.Atoi(value); err != nil {
			concrete = false
		}
	case blueprint.RunData:
		f.Default, f.Help = "data", "folder of the store"
	case blueprint.RunFile:
		f.Default, f.Help = program+".db", "file of the store"
	}
	if concrete {
		f.Default = strings.Trim(value, "[]")
	}
	return f
}

func (s service) address(has map[blueprint.RunFlag]bool) string {
	switch {
	case has[blueprint.RunAddr]:
		return "*addr"
	case has[blueprint.RunPort] && has[blueprint.RunHost]:
		return "net.JoinHostPort(*host, *port)"
	case has[blueprint.RunPort]:
		return `net.JoinHostPort("127.0.0.1", *port)`
	default:
		return `"127.0.0.1:8080"`
	}
}

func (s service) store(has map[blueprint.RunFlag]bool) string {
	name := strconv.Quote(s.names.Program + ".db")
	switch {
	case has[blueprint.RunFile]:
		return "*file"
	case has[blueprint.RunData]:
		return "filepath.Join(*data, " + name + ")"
	default:
		return name
	}
}
