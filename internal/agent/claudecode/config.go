package claudecode

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"github.com/seed-c331f47d/builder/internal/agent"
	"github.com/seed-c331f47d/builder/internal/sandbox"
)

// Config says how the CLI is run in one build.
type Config struct {
	// CLI is the program, by path or by a name on PATH; "" is claude.
	CLI string
	// Folder, absolute, is the build's own: each attempt has a folder in it where the CLI keeps its session, so that a
	// later process of the build finds it. It is made when it is needed, and removed by whoever owns the build.
	Folder  string
	Runner  sandbox.Runner
	Profile sandbox.Profile // what toolchains need, added to the CLI's command
	Limits  sandbox.Limits  // of the CLI and all that it runs; Time does not count
	Network bool            // the agent's commands may use the network

	// Credentials is a file of the CLI's own with a login of the user, who pays by subscription. "": calls go with
	// a key, which whoever serves the way has and the CLI never sees.
	Credentials string
	// Settings, absolute, is a file of settings for the CLI. "": it reads none, neither the user's nor the project's.
	Settings string

	Starts  int           // most processes that may be starting at the same time; 0 is one for each processor
	Retries int           // of a call that failed, by the CLI itself, over half a minute; 0 means 6, less means none
	Silence time.Duration // without a line of the CLI in a turn, after which it is ended; 0 means 5 minutes
	Grace   time.Duration // between one step of ending the CLI and the next; 0 means 5 seconds
	// Tell hears what a person should know, one line each: quotas, another model than asked for, a process that was started again. It may be nil.
	Tell func(task, line string)
	Now  func() time.Time // nil: time.Now
}

func (c Config) silence() time.Duration { return cmp.Or(c.Silence, 5*time.Minute) }
func (c Config) grace() time.Duration   { return cmp.Or(c.Grace, 5*time.Second) }
func (c Config) retries() int           { return max(0, cmp.Or(c.Retries, 6)) }

// commands is how long a command of the agent may take, as it wishes and at most: well below the silence.
func (c Config) commands() (usual, most time.Duration) {
	most = c.silence() * 4 / 5
	return min(2*time.Minute, most), most
}

// Program is the CLI of one build. It is safe for concurrent use.
type Program struct {
	conf   Config
	place  installation
	starts chan struct{} // holds one for each process that is starting
}

// New finds the CLI. It starts nothing.
func New(c Config) (*Program, error) {
	switch {
	case c.Runner == nil:
		return nil, errors.New("use claude code: no sandbox is given")
	case !filepath.IsAbs(c.Folder) || filepath.Clean(c.Folder) != c.Folder:
		return nil, fmt.Errorf("use claude code: folder %q is not absolute and clean", c.Folder)
	case c.Settings != "" && (!filepath.IsAbs(c.Settings) || filepath.Clean(c.Settings) != c.Settings):
		return nil, fmt.Errorf("use claude code: settings %q are not absolute and clean", c.Settings)
	}
	place, err := find(c.CLI, c.Profile.Env["PATH"])
	if err != nil {
		return nil, fmt.Errorf("use claude code: %w", err)
	}
	if c.Settings != "" {
		place.read = append(place.read, c.Settings)
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Starts <= 0 {
		c.Starts = runtime.GOMAXPROCS(0)
	}
	return &Program{conf: c, place: place, starts: make(chan struct{}, c.Starts)}, nil
}

// Engine drives the CLI for one attempt. The way MUST be open until Run has returned.
func (p *Program) Engine(job agent.Job, way agent.Way) agent.Engine {
	return &engine{program: p, job: job, way: way}
}

func (p *Program) tell(task, line string) {
	if p.conf.Tell != nil {
		p.conf.Tell(task, line)
	}
}

// folder makes the attempt's own place for the CLI's session, and in it one for what it keeps for a while.
func (p *Program) folder(session string) (string, error) {
	dir := filepath.Join(p.conf.Folder, session)
	if err := os.MkdirAll(filepath.Join(dir, temporary), 0o700); err != nil {
		return "", fmt.Errorf("make folder of the session: %w", err)
	}
	real, err := filepath.EvalSymlinks(dir)
	if err != nil {
		return "", fmt.Errorf("make folder of the session: %w", err)
	}
	return real, nil
}
