package phases

import (
	"context"
	"crypto/sha1"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strings"
	"sync"
	"time"

	"github.com/seed-c331f47d/builder/internal/agent"
	"github.com/seed-c331f47d/builder/internal/budget"
	"github.com/seed-c331f47d/builder/internal/checkpoint"
	"github.com/seed-c331f47d/builder/internal/planner"
)

// dirTrees keeps trees in real folders, without ignore rules.
type dirTrees struct{ blobs checkpoint.Blobs }

func (d dirTrees) Scan(ctx context.Context, dir string) (Manifest, error) {
	var m Manifest
	err := filepath.WalkDir(dir, func(p string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		raw, err := os.ReadFile(p)
		if err != nil {
			return err
		}
		h, err := d.blobs.Put(ctx, raw)
		rel, _ := filepath.Rel(dir, p)
		m = append(m, Entry{Path: rel, Mode: ModeFile, Blob: h, Size: int64(len(raw))})
		return err
	})
	sort.Slice(m, func(i, j int) bool { return m[i].Path < m[j].Path })
	return m, err
}

func (d dirTrees) Rescan(ctx context.Context, dir string, base Manifest, paths []string, store bool) (Manifest, bool, error) {
	if !store {
		d.blobs = &checkpoint.MemoryBlobs{}
	}
	all, err := d.Scan(ctx, dir)
	return patch(base, all, paths), true, err
}

// patch is base with what all has at paths.
func patch(base, all Manifest, paths []string) Manifest {
	var m Manifest
	for _, e := range base {
		if !slices.Contains(paths, e.Path) {
			m = append(m, e)
		}
	}
	for _, e := range all {
		if slices.Contains(paths, e.Path) {
			m = append(m, e)
		}
	}
	sort.Slice(m, func(i, j int) bool { return m[i].Path < m[j].Path })
	return m
}

func (d dirTrees) Materialise(ctx context.Context, m Manifest, dir string, _ bool) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	old, err := d.Scan(ctx, dir)
	if err != nil {
		return err
	}
	for _, e := range old {
		if err := os.Remove(filepath.Join(dir, e.Path)); err != nil {
			return err
		}
	}
	for _, e := range m {
		raw, err := d.blobs.Get(ctx, e.Blob)
		if err != nil {
			return err
		}
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, e.Path)), 0o700); err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(dir, e.Path), raw, 0o600); err != nil {
			return err
		}
	}
	return nil
}

func (dirTrees) Move(from, to string) error { return os.Rename(from, to) }

func (dirTrees) Remove(dir string) error { return os.RemoveAll(dir) }

// memRepo is a branch in memory that survives "crashes" because the test keeps it.
type memRepo struct {
	mu      sync.Mutex
	head    string
	commits []string
	tree    Manifest // of head
	folder  Manifest
}

func (r *memRepo) Head(context.Context) (string, Manifest, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.head, r.tree, nil
}

func (r *memRepo) Prepare(_ context.Context, d CommitDraft) (string, error) {
	sum := sha1.Sum([]byte(string(d.Tree.ID()) + d.Parent + d.Message + d.Author + d.At.String()))
	return hex.EncodeToString(sum[:]), nil
}

func (r *memRepo) Commit(ctx context.Context, chain ...CommitDraft) (string, error) {
	var ids []string
	for _, d := range chain {
		id, _ := r.Prepare(ctx, d)
		ids = append(ids, id)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	id := ids[len(ids)-1]
	if r.head == id {
		return id, nil
	}
	if r.head != chain[0].Parent {
		return "", ErrDiverged
	}
	r.head, r.tree, r.commits = id, chain[len(chain)-1].Tree, append(r.commits, ids...)
	return id, nil
}

func (r *memRepo) Checkout(_ context.Context, _, to Manifest) ([]string, error) {
	r.folder = to
	return nil, nil
}

// fileGates pass when the tree holds every file that the gate names with the content it names.
type fileGates struct {
	mu   sync.Mutex
	runs []string
}

func (g *fileGates) Run(_ context.Context, r GateRun) (GateReport, error) {
	g.mu.Lock()
	g.runs = append(g.runs, string(r.Gate.ID))
	g.mu.Unlock()
	for _, f := range r.Gate.Files {
		raw, err := os.ReadFile(filepath.Join(r.Tree, f.Path))
		if err != nil || len(f.Contains) > 0 && !strings.Contains(string(raw), f.Contains[0]) {
			return GateReport{Exit: 1, Short: "missing", Feedback: f.Path + " must contain " + strings.Join(f.Contains, " "), Signature: f.Path}, nil
		}
	}
	return GateReport{Pass: true, Tests: 1, Short: "ok", Log: []byte("fine")}, nil
}

// writeTools offers write_file and look.
type writeTools struct {
	dir   string
	calls *counter
}

type counter struct {
	mu sync.Mutex
	n  map[string]int
}

func (c *counter) add(key string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.n == nil {
		c.n = map[string]int{}
	}
	c.n[key]++
}

func (w writeTools) Defs() []agent.ToolDef {
	return []agent.ToolDef{{Name: "write_file", Schema: json.RawMessage(`{}`), Tells: true}, {Name: "look", Schema: json.RawMessage(`{}`), ReadOnly: true}}
}

func (w writeTools) Call(_ context.Context, c agent.ToolCall) (agent.ToolResult, error) {
	w.calls.add(c.Name)
	if c.Name == "look" {
		return agent.ToolResult{Text: "nothing to see", Full: "nothing at all to see"}, nil
	}
	var in struct{ Path, Content string }
	if err := json.Unmarshal(c.Input, &in); err != nil {
		return agent.ToolResult{Text: err.Error(), Error: true}, nil
	}
	p := filepath.Join(w.dir, in.Path)
	if err := os.MkdirAll(filepath.Dir(p), 0o700); err != nil {
		return agent.ToolResult{}, err
	}
	return agent.ToolResult{Text: "written", Note: "wrote " + in.Path, Touched: []string{in.Path}}, os.WriteFile(p, []byte(in.Content), 0o600)
}

type writeBench struct{ calls *counter }

func (b writeBench) Tools(_ context.Context, dir string, _ planner.Task, _ []string) (agent.Toolbox, error) {
	return writeTools{dir, b.calls}, nil
}

// ledgerModel answers by a pure function of the request and books like the meter does.
type ledgerModel struct {
	writer func() *Writer
	blobs  checkpoint.Blobs
	sent   *counter // by request hash
	answer func(agent.Request) (agent.Message, error)
	weighs bool // usage follows the sizes of question and answer
}

func (m ledgerModel) Complete(ctx context.Context, req agent.Request) (agent.Response, error) {
	call, ok := budget.CallFrom(ctx)
	if !ok {
		return agent.Response{}, errors.New("a call without an op")
	}
	hold, err := m.writer().Intend(ctx, budget.Ask{Call: call, Model: req.Model, Price: testPrice(), InputTokens: 1000, MaxTokens: req.MaxTokens})
	if err != nil {
		return agent.Response{}, fmt.Errorf("send: %w", err)
	}
	m.sent.add(call.RequestHash)
	msg, failure := m.answer(req)
	if failure != nil {
		if err := m.writer().Settle(ctx, budget.Settlement{Op: hold.Op, Fate: budget.Free, Status: 529}); err != nil {
			return agent.Response{}, err
		}
		return agent.Response{}, failure
	}
	raw, err := json.Marshal(msg)
	if err != nil {
		return agent.Response{}, err
	}
	h, err := m.blobs.Put(ctx, raw)
	if err != nil {
		return agent.Response{}, err
	}
	st := budget.Settlement{Op: hold.Op, Fate: budget.Answered, Usage: budget.Usage{Input: 100, Output: 10}, Cost: 200, Answer: string(h)}
	if err := m.writer().Settle(ctx, st); err != nil {
		return agent.Response{}, err
	}
	return m.Replay(ctx, req, "", raw)
}

func (m ledgerModel) Replay(_ context.Context, req agent.Request, _ string, body []byte) (agent.Response, error) {
	var msg agent.Message
	err := json.Unmarshal(body, &msg)
	stop := agent.StopEnd
	if len(msg.Calls()) > 0 {
		stop = agent.StopTools
	}
	usage := agent.Usage{Input: 100, Output: 10}
	if m.weighs {
		raw, err := json.Marshal(req)
		if err != nil {
			return agent.Response{}, err
		}
		usage = agent.Usage{Input: int64(len(raw)) / 3, Output: int64(len(body)) / 3}
	}
	return agent.Response{Message: msg, Stop: stop, Usage: usage}, err
}

func testPrice() budget.Price {
	return budget.Price{Model: "test", Input: budget.Dollar, Output: budget.Dollar, CacheRead: budget.Dollar, CacheWrite5m: budget.Dollar, CacheWrite1h: budget.Dollar, Window: 1 << 20, MaxOutput: 1 << 17}
}

// tickingClock gives a new time at each call, so that records differ in time.
func tickingClock() func() time.Time {
	var mu sync.Mutex
	t := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	return func() time.Time {
		mu.Lock()
		defer mu.Unlock()
		t = t.Add(time.Second)
		return t
	}
}
