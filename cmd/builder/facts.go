package main

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/seed-c331f47d/builder/internal/bug"
	"github.com/seed-c331f47d/builder/internal/sandbox"
	"github.com/seed-c331f47d/builder/internal/sandbox/toolchain"
)

// askTime bounds the question for a tool's version.
const askTime = 10 * time.Second

var versionShape = regexp.MustCompile(`[0-9]+(\.[0-9]+)+`)

// facts tells models what they work with: tools and versions, what commands may reach, and which
// modules can be had. The offline model needs none of it.
func (w *works) facts(provider string) func(context.Context) string {
	if provider == providerOffline {
		return nil
	}
	return w.tell
}

func (w *works) tell(ctx context.Context) string {
	var b strings.Builder
	found := w.told(ctx)
	for i, t := range found {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(strings.TrimSpace(t.Name + " " + strings.TrimPrefix(t.Version, t.Name)))
	}
	if len(found) == 0 {
		b.WriteString("No compiler and no interpreter is installed.")
	}
	fmt.Fprintf(&b, "\nEach command takes at most %d minutes. %s\n", int(sandbox.DefaultLimits().Time.Minutes()), confinement(w.runner.Level()))
	if slices.ContainsFunc(found, func(t toolchain.Tool) bool { return t.Name == "go" }) {
		b.WriteString(moduleFacts(w.agents.Env["GOPROXY"]) + "\n")
	}
	return b.String()
}

// confinement says what a command may reach.
func confinement(level sandbox.Level) string {
	const files = "Only the tree, caches, $HOME and $TMPDIR can be written; these two are new and empty for each command. The tree is no git repository."
	switch level {
	case sandbox.Full:
		return "There is no network but a loopback of each command's own. " + files
	case sandbox.None:
		return "Do not use the network, and write only in the tree and $TMPDIR. The tree is no git repository."
	default:
		return "Do not use the network but for loopback. " + files
	}
}

// told asks the tools once in a process: asking is a process for each of them.
func (w *works) told(ctx context.Context) []toolchain.Tool {
	w.asking.Lock()
	defer w.asking.Unlock()
	if w.asked == nil {
		found := w.versions(ctx)
		if ctx.Err() != nil {
			return found
		}
		w.asked = &found
	}
	return *w.asked
}

// led are tools that come with another: that one is asked, and where it does not run they are not told
// either. Asking pip takes longer than asking all the others.
var led = map[string]string{"pip": "python3", "rustc": "cargo"}

// versions gives the tools with the versions that they say they have, without those that are there
// but do not run.
func (w *works) versions(ctx context.Context) []toolchain.Tool {
	found := slices.Clone(w.tools)
	found = slices.DeleteFunc(found, func(t toolchain.Tool) bool { return t.Name == "sh" || t.Name == "pip3" })
	index := map[string]int{}
	for i, t := range found {
		index[t.Name] = i
	}
	broken := make([]bool, len(found))
	errs := make([]error, len(found))
	var all sync.WaitGroup
	for i := range found {
		t := &found[i]
		if _, asked := index[led[t.Name]]; t.Version == "" && !asked {
			all.Go(func() {
				defer bug.Catch(&errs[i])
				t.Version, broken[i] = w.version(ctx, t.Name)
			})
		}
	}
	all.Wait()
	if err := errors.Join(errs...); err != nil {
		panic(err) // of one of them, here where it is caught
	}
	var work []toolchain.Tool
	for i, t := range found {
		if lead, ok := index[led[t.Name]]; !broken[i] && !(ok && broken[lead]) {
			work = append(work, t)
		}
	}
	return work
}

// version asks a tool, confined, and says whether it is broken. That it could not be asked says
// nothing about it.
func (w *works) version(ctx context.Context, name string) (version string, broken bool) {
	temp, err := sandbox.NewTemp("version")
	if err != nil {
		return "", false
	}
	dir := temp.Path
	out, err := w.runner.Run(ctx, w.agents.Apply(sandbox.Command{
		Argv: []string{name, "--version"}, Dir: dir,
		Policy: sandbox.Policy{Write: []string{dir}}, Limits: sandbox.Limits{Time: askTime, Output: 4 << 10},
	}))
	if rerr := temp.Remove(); err != nil || rerr != nil || out.TimedOut {
		return "", false
	}
	line, _, _ := strings.Cut(string(out.Stdout), "\n")
	return versionShape.FindString(line), out.Exit != 0
}
