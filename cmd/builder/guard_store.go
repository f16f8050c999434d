package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/seed-c331f47d/builder/internal/budget"
	"github.com/seed-c331f47d/builder/internal/budget/gateway"
	"github.com/seed-c331f47d/builder/internal/budget/meter"
	"github.com/seed-c331f47d/builder/internal/checkpoint"
	"github.com/seed-c331f47d/builder/internal/checkpoint/blob"
	"github.com/seed-c331f47d/builder/internal/checkpoint/bolt"
	"github.com/seed-c331f47d/builder/internal/phases"
)

// guardStore is where a guard keeps its books: $XDG_STATE_HOME/builder/guards/<id>.
//
//	journal.db  lock  blobs/  spool/  summary.json once it has ended, claude-settings.json while it runs
type guardStore struct {
	dir, id string
	floor   phases.Settings // how much of the disk must be free
	journal *bolt.Journal
	blobs   *blob.Store
	spools  *blob.Spools
	writer  *phases.Writer
}

const (
	guardPrefix  = "g-"
	guardSummed  = "summary.json"
	guardJournal = "journal.db"
)

func (a *app) guardsDir() (string, error) {
	state, err := a.stateDir()
	if err != nil {
		return "", err
	}
	return filepath.Join(state, "guards"), nil
}

// openGuard makes the books of a new guard, after those of guards that were killed have been closed.
func (a *app) openGuard(ctx context.Context, set guardSettings) (*guardStore, error) {
	dir, err := a.guardsDir()
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the folder of guards: %w", err)
	}
	a.settleGuards(ctx, dir)
	now := nowOr(clock(a))
	id, err := newBuildID(now)
	if err != nil {
		return nil, err
	}
	id = guardPrefix + strings.TrimPrefix(id, "b-")
	g := &guardStore{dir: filepath.Join(dir, id), id: id, floor: phases.Settings{MinFree: set.minFree()}}
	if err := os.Mkdir(g.dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the folder of a guard: %w", err)
	}
	first := phases.BuildStarted{Build: id, Builder: version, Engine: guardTask, Billing: set.billing, Price: set.given, Caps: set.caps, At: now}
	recs, err := encodeAll([]phases.Fact{first, phases.TaskStarted{Task: guardTask}, phases.AttemptStarted{Task: guardTask, Attempt: 1}}, now)
	if err != nil {
		return nil, err
	}
	if err := bolt.Make(ctx, filepath.Join(g.dir, guardJournal), recs); err != nil {
		return nil, err
	}
	return g, g.open(ctx, 0)
}

// open opens the books for writing.
func (g *guardStore) open(ctx context.Context, wait time.Duration) error {
	var err error
	if g.journal, err = bolt.Open(ctx, filepath.Join(g.dir, guardJournal), bolt.Options{Timeout: wait}); err != nil {
		return err
	}
	if g.blobs, err = blob.Open(filepath.Join(g.dir, "blobs")); err == nil {
		g.spools, err = blob.OpenSpools(g.blobs, filepath.Join(g.dir, "spool"))
	}
	if err == nil {
		g.writer, err = phases.OpenWriter(ctx, g.journal, nil)
	}
	if err != nil {
		return errors.Join(err, g.journal.Close())
	}
	return nil
}

func (g *guardStore) close(ctx context.Context) error {
	return errors.Join(g.writer.Close(ctx), g.journal.Close())
}

// claudeSettings is a file for claude, while it runs.
const claudeSettings = "claude-settings.json"

// tidy removes what only a running command needs.
func (g *guardStore) tidy() error {
	if err := os.Remove(filepath.Join(g.dir, claudeSettings)); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("tidy up after a guard: %w", err)
	}
	return nil
}

// gateway is a gateway that books here.
func (g *guardStore) gateway(set guardSettings) gateway.Config {
	return gateway.Config{
		Anthropic: set.anthropic.through(), OpenAI: set.openai.through(),
		Ledger: g.writer, Spools: spools{g.spools, once}, Blobs: contents{g.blobs},
	}
}

// once is a write without a second try.
func once(write func() error) error { return write() }

// enter refuses calls while the disk is nearly full.
func (g *guardStore) enter(context.Context, string) (func(), error) {
	least, err := areaOf(g.dir)
	if err == nil {
		err = g.floor.Room(least.free, "ask again")
	}
	return func() {}, err
}

// settleGuards closes the books of guards that were killed: what they had under way is booked as
// answered where the answer is whole, and as unknown else. One that cannot be closed is left for the next time.
func (a *app) settleGuards(ctx context.Context, dir string) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return // there are none, or nobody can tell
	}
	for _, e := range entries {
		g := &guardStore{dir: filepath.Join(dir, e.Name()), id: e.Name()}
		if !strings.HasPrefix(e.Name(), guardPrefix) {
			continue
		}
		if _, err := os.Lstat(filepath.Join(g.dir, guardSummed)); !errors.Is(err, os.ErrNotExist) {
			continue
		}
		var locked *checkpoint.LockedError
		if err := g.settle(ctx); err != nil && !errors.As(err, &locked) && !errors.Is(err, checkpoint.ErrNotFound) {
			a.say("warning: the books of guard %s stay open: %s", g.id, err)
		}
	}
}

// settle closes the books of a guard that was killed.
func (g *guardStore) settle(ctx context.Context) (err error) {
	if err := g.open(ctx, time.Millisecond); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, g.close(ctx)) }()
	read := func(h budget.Hold, spool []byte) budget.Settlement { return meter.Recover(ctx, h, spool) }
	if err := phases.Recover(ctx, g.writer, g.spools, read); err != nil {
		return err
	}
	sum, err := g.sum(ctx)
	if err != nil {
		return err
	}
	sum.Killed = true
	return g.keep(sum)
}
