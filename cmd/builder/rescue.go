package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/seed-c331f47d/builder/internal/budget"
	"github.com/seed-c331f47d/builder/internal/checkpoint"
	"github.com/seed-c331f47d/builder/internal/checkpoint/blob"
	"github.com/seed-c331f47d/builder/internal/checkpoint/bolt"
	"github.com/seed-c331f47d/builder/internal/checkpoint/projection"
	"github.com/seed-c331f47d/builder/internal/phases"
	"github.com/seed-c331f47d/builder/internal/planner"
)

// rescue makes a build's journal anew from what is kept: records first, then what the repository and
// the projections tell beyond them. Nothing is written below its folder but blobs before all is
// gathered; the damaged files stay, in a folder of their own.
type rescue struct {
	app    *app
	folder folder
	id     string
	lock   *os.File // of the folder
	blobs  *blob.Store
	spent  *budget.Micro // what the user says that was spent; nil: nothing

	recs   []checkpoint.Record
	state  *phases.State
	from   string // where the records are from
	strays []checkpoint.Envelope
	good   map[checkpoint.Hash]bool // blobs that could be read: trees of a build share most of their files
	found  outcomeOfRescue
}

// outcomeOfRescue is what a rescue tells.
type outcomeOfRescue struct {
	Version    int      `json:"version"`
	Build      string   `json:"build"`
	From       string   `json:"from"`
	Records    uint64   `json:"records"`
	Recognised []string `json:"recognised"` // tasks, by their commits
	Restarted  []string `json:"restarted"`
	Charged    int64    `json:"charged_microusd"`
	Aside      string   `json:"aside,omitempty"`
	Edits      []string `json:"user_edits,omitempty"`
}

// newRescue begins a rescue, which holds the folder until it is closed.
func (a *app) newRescue(f folder, id string) (*rescue, error) {
	lock, err := f.holdRescue()
	if err != nil {
		return nil, err
	}
	blobs, err := blob.Open(f.blobDir())
	if err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	return &rescue{
		app: a, folder: f, id: id, lock: lock, blobs: blobs, state: phases.NewState(), good: map[checkpoint.Hash]bool{},
		found: outcomeOfRescue{Version: 1, Build: id, Recognised: []string{}, Restarted: []string{}},
	}, nil
}

// Close lets others rescue the build.
func (r *rescue) Close() error { return r.lock.Close() }

// errOther means that records are of another build.
var errOther = errors.New("it is the journal of another build")

// take folds a journal's records, all or none.
func (r *rescue) take(ctx context.Context, path, from string) error {
	j, err := bolt.OpenReadOnly(ctx, path, bolt.Options{Holder: r.folder.lock()})
	if err != nil {
		return err
	}
	state := phases.NewState()
	var recs []checkpoint.Record
	err = j.Read(ctx, 0, func(e checkpoint.Envelope) error {
		recs = append(recs, recordOf(e))
		return state.ApplyEnvelope(e)
	})
	if err := errors.Join(err, j.Close()); err != nil {
		return err
	}
	if state.Build.Build != r.id {
		return fmt.Errorf("read %s: %w", path, errOther)
	}
	r.state, r.recs, r.from = state, recs, from
	return nil
}

func recordOf(e checkpoint.Envelope) checkpoint.Record {
	return checkpoint.Record{Kind: e.Kind, Time: e.Time, Payload: e.Payload}
}

// takeBackup takes the newest backup that is whole.
func (r *rescue) takeBackup(ctx context.Context) error {
	all, err := bolt.Backups(r.folder.backups(r.id))
	if err != nil {
		return err
	}
	for _, b := range all {
		err := r.take(ctx, b.Path, "backup")
		if err == nil {
			return nil
		}
		if ctx.Err() != nil {
			return err
		}
		r.app.say("warning: backup %s cannot be used: %s", b.Path, err)
	}
	return &fault{
		code: "E_NO_BACKUP", exit: exitStorage, what: fmt.Sprintf("there is no backup of %s that can be used", r.id),
		hint: "bring it back from its commits: builder checkpoint rebuild " + word(r.folder.app),
	}
}

// takeTail takes the records that events tell of beyond those that are there. Events that an earlier
// rescue has set aside count, too.
func (r *rescue) takeTail() error {
	paths, err := filepath.Glob(filepath.Join(r.folder.build(r.id), asidePrefix+"*", "events.ndjson"))
	if err != nil {
		return err
	}
	for _, path := range append([]string{r.folder.events(r.id)}, paths...) {
		envs, err := projection.Recall(path)
		if err != nil {
			r.app.say("warning: %s", err)
		}
		if r.state.Seq == 0 && !r.begins(envs) {
			continue
		}
		tail := r.state.Tail(envs)
		for _, e := range tail {
			r.recs = append(r.recs, recordOf(e))
		}
		if len(tail) > 0 && r.from == "" {
			r.from = "events"
		}
		for _, e := range envs {
			if e.Seq > r.state.Seq {
				r.strays = append(r.strays, e)
			}
		}
	}
	return nil
}

// begins says whether records begin with the opening of this build.
func (r *rescue) begins(envs []checkpoint.Envelope) bool {
	if len(envs) == 0 || envs[0].Seq != 1 {
		return false
	}
	f, err := phases.Decode(envs[0].Kind, envs[0].Payload)
	b, ok := f.(phases.BuildStarted)
	return err == nil && ok && b.Build == r.id
}

// add appends a fact of our own.
func (r *rescue) add(f phases.Fact) error {
	at := nowOr(clock(r.app))
	if err := r.state.Apply(f, at); err != nil {
		return err
	}
	rec, err := phases.Encode(f, at)
	r.recs = append(r.recs, rec)
	return err
}

// charges are what was used beyond what the records know: by the newest status, by stray records, by
// the list of builds, by the user; of these the most.
func (r *rescue) charges() (phases.Charges, error) {
	var all phases.Charges
	for _, c := range phases.Strays(r.strays) {
		all.AtLeast(c)
	}
	for _, told := range r.statuses() {
		for _, c := range phases.Beyond(r.state, told) {
			all.AtLeast(c)
		}
	}
	have := r.state.Guard.Account(budget.Build)
	if reg, err := r.app.register(); err == nil {
		if b, ok := reg.Get(r.id); ok && (r.from == fromStatus || b.Updated.After(r.state.Updated)) {
			all.AtLeast(phases.Charge{Scope: budget.Build, Money: max(0, budget.Micro(b.Cost+b.Unknown)-have.Used())})
		}
	}
	if r.spent != nil {
		if *r.spent < have.Used() {
			return nil, usage("E_BUDGET", "give what was really spent, or leave --spent out", "--spent is below what the records know: %s", have.Used())
		}
		all.AtLeast(phases.Charge{Scope: budget.Build, Money: *r.spent - have.Used()})
	}
	all = slices.DeleteFunc(all, func(c phases.Charge) bool { return c.Money == 0 && c.Tokens == 0 })
	return all, nil
}

// statuses are the projections of the state that are kept.
func (r *rescue) statuses() []phases.Status {
	paths, _ := filepath.Glob(filepath.Join(r.folder.build(r.id), asidePrefix+"*", "status.json")) // the pattern is well formed
	var out []phases.Status
	for _, path := range append([]string{r.folder.status(r.id)}, paths...) {
		var st phases.Status
		raw, err := os.ReadFile(path)
		if err == nil && json.Unmarshal(raw, &st) == nil && st.Build == r.id {
			out = append(out, st)
		}
	}
	return out
}

// fromStatus marks a build of which no record is left.
const fromStatus = "status"

// asidePrefix begins the names of folders with damaged files.
const asidePrefix = "damaged-"

// aside makes the folder for what is damaged, and moves there what a new journal would contradict. The
// build's own folder may be lost, too.
func (r *rescue) aside() (string, error) {
	var dir string
	err := os.MkdirAll(r.folder.build(r.id), 0o700)
	if err == nil {
		err = errors.Join(syncDir(filepath.Dir(r.folder.build(r.id))), syncDir(r.folder.root()))
	}
	if err != nil {
		return "", fmt.Errorf("set damaged files aside: %w", err)
	}
	for n := 1; ; n++ {
		dir = filepath.Join(r.folder.build(r.id), fmt.Sprintf("%s%d", asidePrefix, n))
		err := os.Mkdir(dir, 0o700)
		if err == nil {
			break
		}
		if !errors.Is(err, os.ErrExist) {
			return "", fmt.Errorf("set damaged files aside: %w", err)
		}
	}
	if err := os.Link(r.folder.status(r.id), filepath.Join(dir, "status.json")); err != nil && !errors.Is(err, os.ErrNotExist) {
		return "", fmt.Errorf("set damaged files aside: %w", err)
	}
	if err := os.Rename(r.folder.events(r.id), filepath.Join(dir, "events.ndjson")); err != nil && !errors.Is(err, os.ErrNotExist) {
		return "", fmt.Errorf("set damaged files aside: %w", err)
	}
	return dir, syncDir(r.folder.build(r.id))
}

// chunk is how many records are written in one transaction.
const chunk = 500

// write makes the new journal and puts it in place of the old.
func (r *rescue) write(ctx context.Context, aside string) (err error) {
	dir := r.folder.build(r.id)
	left, err := leftRescues(dir)
	for _, path := range left {
		err = errors.Join(err, os.RemoveAll(path))
	}
	if err != nil {
		return err
	}
	tmp, err := os.MkdirTemp(dir, newPrefix)
	if err != nil {
		return fmt.Errorf("make new journal: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(tmp)) }()
	path := filepath.Join(tmp, "journal.db")
	j, err := bolt.Create(ctx, path, bolt.Options{})
	if err != nil {
		return err
	}
	last := uint64(0)
	for part := range slices.Chunk(r.recs, chunk) {
		if last, err = j.Append(ctx, last, part); err != nil {
			break
		}
	}
	if err := errors.Join(err, j.Close()); err != nil {
		return err
	}
	return bolt.Replace(ctx, r.folder.journal(r.id), path, filepath.Join(aside, "journal.db"), bolt.Options{Holder: r.folder.lock()})
}

// lost lists the tasks under way that need a blob which is lost or damaged: they begin anew. The others
// go on where they are.
func (r *rescue) lost(ctx context.Context) ([]planner.TaskID, error) {
	plans := planCache{ctx: ctx, blobs: r.blobs}
	var out []planner.TaskID
	for _, id := range phases.OpenTasks(plans.of(r.state), r.state) {
		whole, err := r.whole(ctx, id)
		if err != nil {
			return nil, err
		}
		if !whole {
			out = append(out, id)
		}
	}
	return out, nil
}

// unread lists the blobs that records name and that cannot be read.
func (r *rescue) unread(ctx context.Context) ([]checkpoint.Hash, error) {
	audit := phases.NewAudit()
	for i, rec := range r.recs {
		if err := audit.Add(checkpoint.Envelope{Seq: uint64(i) + 1, Kind: rec.Kind, Payload: rec.Payload}); err != nil {
			return nil, err
		}
	}
	var lost []checkpoint.Hash
	var unread *checkpoint.BlobError
	for _, h := range audit.Blobs() {
		if _, err := r.blobs.Get(ctx, h); errors.As(err, &unread) {
			lost = append(lost, h)
		} else if err != nil {
			return nil, err
		}
	}
	return lost, nil
}

// whole says whether all blobs that a task needs can be read.
func (r *rescue) whole(ctx context.Context, id planner.TaskID) (bool, error) {
	blobs, trees := r.state.Needs(id)
	return r.read(ctx, blobs, trees)
}

// read says whether blobs, and trees with their files, can be read.
func (r *rescue) read(ctx context.Context, blobs, trees []checkpoint.Hash) (bool, error) {
	var unread *checkpoint.BlobError
	for _, h := range trees {
		raw, err := r.blobs.Get(ctx, h)
		if errors.As(err, &unread) {
			return false, nil
		}
		if err != nil {
			return false, err
		}
		m, err := phases.DecodeManifest(raw)
		if err != nil {
			return false, nil //nolint:nilerr // a tree that cannot be read is what is asked for
		}
		for _, e := range m {
			blobs = append(blobs, e.Blob)
		}
	}
	for _, h := range blobs {
		if r.good[h] {
			continue
		}
		if _, err := r.blobs.Get(ctx, h); errors.As(err, &unread) {
			return false, nil
		} else if err != nil {
			return false, err
		}
		r.good[h] = true
	}
	return true, nil
}

// finish adds what the repository and the projections tell, and writes.
func (r *rescue) finish(ctx context.Context) error {
	taken := uint64(len(r.recs))
	if err := r.heal(ctx); err != nil {
		return err
	}
	done, err := r.recognise(ctx)
	if err != nil {
		return err
	}
	charges, err := r.charges()
	if err != nil {
		return err
	}
	for _, f := range done {
		if err := r.add(f); err != nil {
			return err
		}
		r.found.Recognised = append(r.found.Recognised, string(f.Task))
	}
	fact := phases.Rescued{From: r.from, Records: taken, Charges: charges, At: nowOr(clock(r.app))}
	if fact.Restarted, err = r.lost(ctx); err != nil {
		return err
	}
	if fact.Lost, err = r.unread(ctx); err != nil {
		return err
	}
	aside, err := r.aside()
	if err != nil {
		return err
	}
	fact.Aside = filepath.Base(aside)
	if err := r.add(fact); err != nil {
		return err
	}
	if err := r.write(ctx, aside); err != nil {
		return err
	}
	r.found.From, r.found.Records, r.found.Aside = fact.From, taken, aside
	for _, c := range charges {
		if c.Scope == budget.Build {
			r.found.Charged = int64(c.Money)
		}
	}
	for _, id := range fact.Restarted {
		r.found.Restarted = append(r.found.Restarted, string(id))
	}
	return r.checkout(ctx, done)
}
