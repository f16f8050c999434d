package claudecode

import (
	"context"
	"errors"
	"time"

	cli "github.com/seed-c331f47d/builder/claudecode"
	"github.com/seed-c331f47d/builder/internal/agent"
)

// process runs one process of the CLI, from its start until nothing of it is left. It returns why it ended: never
// nil. opening is what it is told first.
func (a *attempt) process(ctx context.Context, opening string) (err error) {
	listen, hush := context.WithCancelCause(ctx)
	defer hush(nil)
	l := &launch{program: a.program, way: a.way, policy: a.program.policy(a.job.Dir, a.folder), argv: a.program.place.argv, gone: make(chan struct{})}
	s, err := a.start(ctx, l, func() { hush(errSilent) })
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close(), l.brokenOnce()) }()
	a.known = true
	for say := opening; ; {
		var notes []string
		err := a.alone(ctx, func() (err error) {
			notes, err = a.notes(ctx)
			return err
		})
		if err != nil {
			return err
		}
		l.busy.Store(true)
		err = s.Send(ctx, paragraphs(append([]string{say}, notes...)...))
		if err != nil && !errors.Is(err, cli.ErrClosed) { // why it closed comes with the messages
			return err
		}
		r, err := a.listen(listen, s)
		if err != nil {
			return a.hushed(ctx, s, err)
		}
		l.busy.Store(false)
		if say, err = a.after(r); err != nil {
			return err
		}
	}
}

// brokenOnce is what of the sandbox broke, once the process is gone.
func (l *launch) brokenOnce() error {
	select {
	case <-l.gone:
		return l.broken
	default:
		return nil // a close that failed has said so
	}
}

// start starts the CLI. Few may be starting at a time: each takes a second of a processor.
func (a *attempt) start(ctx context.Context, l *launch, silent func()) (*cli.Session, error) {
	select {
	case a.program.starts <- struct{}{}:
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	defer func() { <-a.program.starts }()
	o, err := a.options(l, silent)
	if err != nil {
		return nil, err
	}
	return cli.Start(ctx, o)
}

// options say how the CLI is started for this attempt.
func (a *attempt) options(l *launch, silent func()) (cli.Options, error) {
	p := a.program
	address, err := base(a.way, l.policy)
	if err != nil {
		return cli.Options{}, err
	}
	o := cli.Options{
		CLI: p.place.argv[0], Dir: a.job.Dir, Launch: l.start, Env: p.environ(a.task, address, a.folder),
		Model: a.task.Model, Effort: a.task.Effort, System: cli.SystemPrompt{Text: system(a.task)},
		Tools: []string{"Bash", "Edit", "Read", "Write"}, Servers: []*cli.Server{a.server(l)}, StrictMCP: true, NoSlashCommands: true,
		SettingSources: []string{}, Settings: p.conf.Settings,
		MaxTurns: a.mostTurns() - a.turns, PartialMessages: true,
		Silence: p.conf.silence(), Grace: p.conf.grace(),
	}
	o.OnSilence = func(time.Time) { silent() }
	o.Hooks = []cli.Hook{{Event: cli.PostToolUse, Run: a.afterTool}, {Event: cli.PostToolUseFailure, Run: a.afterTool}}
	if a.task.Thinking {
		o.Thinking = cli.Thinking{Mode: "adaptive"}
	}
	if a.known {
		o.Resume = a.job.Session
	} else {
		o.SessionID = a.job.Session
	}
	if p.confined() {
		o.PermissionMode = cli.ModeBypassPermissions
	} else {
		o.PermissionMode = cli.ModeDefault
		guard := fence{root: a.job.Dir}
		o.CanUseTool, o.Hooks = guard.permit, append(o.Hooks, cli.Hook{Event: cli.PreToolUse, Run: guard.hook})
	}
	return o, nil
}

func (a *attempt) mostTurns() int {
	if a.task.MaxTurns > 0 {
		return a.task.MaxTurns
	}
	return agent.DefaultMaxTurns
}

// hushed makes an end of a process that says nothing: it is interrupted, so that its session is left whole.
func (a *attempt) hushed(ctx context.Context, s *cli.Session, err error) error {
	if !errors.Is(err, errSilent) || ctx.Err() != nil {
		return err
	}
	patience, cancel := context.WithTimeout(ctx, a.program.conf.grace())
	defer cancel()
	if s.Interrupt(patience) == nil {
		for _, got := range s.Receive(patience) {
			if got != nil {
				break // it has gone, or does not come to an end; either way it is ended now
			}
		}
	}
	return err
}
