package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"

	"github.com/spf13/cobra"

	"github.com/seed-c331f47d/builder/cmd/builder/internal/config"
	"github.com/seed-c331f47d/builder/internal/bug"
	"github.com/seed-c331f47d/builder/internal/sandbox/ladder"
)

// version is set by the linker.
var version = "dev"

// app is what every verb is given: the world as it was handed to Main.
type app struct {
	env []string
	in  io.Reader
	out io.Writer
	err io.Writer
	// ndjson makes every line on err a JSON object, for programs.
	ndjson bool
}

// Main runs builder with the given arguments and environment and returns its exit code.
func Main(args, env []string, in io.Reader, out, errw io.Writer) int {
	if code, handled := ladder.Helper(args); handled {
		return code
	}
	tellLargeFiles()
	a := &app{env: env, in: in, out: out, err: errw}
	err := bug.Guarded(func() error { return a.run(args[1:]) })()
	if err == nil {
		return exitDone
	}
	if err = explain(err); !errors.Is(err, errTold) {
		a.complain(err)
	}
	return exitOf(err)
}

// errTold ends a verb whose outcome has been shown already.
var errTold = errors.New("told")

func (a *app) run(args []string) error {
	if err := keyInArgs(args); err != nil {
		return err
	}
	root := &cobra.Command{
		Use:   "builder",
		Short: "Turn a specification into a working, tested, committed application, under a hard budget",
		Long: `Builder turns a specification in plain language into a working, tested, committed application.
A planner makes phases and tasks, agents carry them out, gates that builder runs itself prove every
task, every proven task is one git commit. A cap on money and tokens is hard; a build that stops for
any reason goes on with: builder resume.`,
		SilenceUsage: true, SilenceErrors: true, Version: version,
		CompletionOptions: cobra.CompletionOptions{HiddenDefaultCmd: true},
	}
	root.SetVersionTemplate("builder {{.Version}}\n")
	root.SetArgs(args)
	root.SetIn(a.in)
	root.SetOut(a.out)
	root.SetErr(a.err)
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		return usage("E_USAGE", "see: "+c.CommandPath()+" --help", "%s", err)
	})
	root.AddCommand(
		newInit(a), newPlan(a), newEstimate(a), newBuild(a), newResume(a), newStatus(a), newList(a), newLogs(a), newReport(a), newReplay(a), newClean(a),
		newCheckpoint(a), newModels(a), newDoctor(a), newConfig(a), newModel(a), newSelftest(a), newVersion(a),
		newGuard(a), newPause(a), newContinue(a), newStop(a), newCap(a), newNote(a), newAnswer(a),
	)
	return root.ExecuteContext(context.Background())
}

// explain gives errors of cobra and of the configuration their codes.
func explain(err error) error {
	var f *fault
	var c *config.Error
	msg := err.Error()
	switch {
	case errors.As(err, &f):
		return err
	case errors.As(err, &c):
		return usage(c.Code, c.Hint, "%s", c.Error())
	case strings.HasPrefix(msg, "unknown command"), strings.Contains(msg, "arg(s)"), strings.HasPrefix(msg, "required flag"):
		first, _, _ := strings.Cut(msg, "\n")
		return usage("E_USAGE", "see: builder --help", "%s", first)
	}
	return err
}

// keyLike is what keys of known providers look like.
var keyLike = regexp.MustCompile(`(?i)\bsk-[a-z0-9_-]{16,}`)

// keyInArgs refuses secrets where every process of the machine can read them.
func keyInArgs(args []string) error {
	for _, a := range args {
		name, _, _ := strings.Cut(a, "=")
		if keyLike.MatchString(a) || name == "--api-key" || name == "--key" {
			return usage("E_KEY_IN_ARGV", "set it in the environment: export ANTHROPIC_API_KEY=…, and make a new key: this one was visible to others", "a key must not stand on the command line")
		}
	}
	return nil
}

// keyVariables are the variables that hold keys of providers.
func keyVariables() []string {
	var names []string
	for _, p := range providers() {
		names = append(names, p.key)
	}
	return names
}

// secrets are values that must never be shown.
func (a *app) secrets() []string {
	var out []string
	for _, name := range keyVariables() {
		if v := a.getenv(name); v != "" {
			out = append(out, v)
		}
	}
	return out
}

// getenv is the value of an environment variable, "" when it is not set.
func (a *app) getenv(name string) string {
	for i := len(a.env) - 1; i >= 0; i-- {
		if v, ok := strings.CutPrefix(a.env[i], name+"="); ok {
			return v
		}
	}
	return ""
}

// say writes a line of our own words to a person.
func (a *app) say(format string, args ...any) {
	text := tidy(fmt.Sprintf(format, args...), a.secrets())
	if a.ndjson {
		a.object(map[string]string{"text": text})
		return
	}
	fmt.Fprintln(a.err, text)
}

// complain writes what went wrong, in the form that was asked for.
func (a *app) complain(err error) {
	if !a.ndjson {
		complain(a.err, err, a.secrets())
		return
	}
	for _, l := range linesOf(err) {
		a.object(map[string]string{"error": l.code, "text": tidy(l.what, a.secrets()), "hint": tidy(l.hint, a.secrets())})
	}
}

// object writes one line of JSON to a program.
func (a *app) object(fields map[string]string) {
	raw, err := json.Marshal(fields)
	if err == nil { // strings always encode
		fmt.Fprintf(a.err, "%s\n", raw)
	}
}
