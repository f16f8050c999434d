package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/seed-c331f47d/builder/cmd/builder/internal/progress"
	"github.com/seed-c331f47d/builder/internal/budget"
	"github.com/seed-c331f47d/builder/internal/checkpoint"
	"github.com/seed-c331f47d/builder/internal/checkpoint/archive"
	"github.com/seed-c331f47d/builder/internal/checkpoint/blob"
	"github.com/seed-c331f47d/builder/internal/phases"
	"github.com/seed-c331f47d/builder/internal/phases/workspace"
)

func checkpointImport(a *app) *cobra.Command {
	var o carryOptions
	c := &cobra.Command{
		Use: "import FILE -o DIR", Short: "Put a build from a file of checkpoint export into a folder",
		Long: `Import checks everything in the file before it puts anything in place: names, sizes and hashes, then
the whole build as builder checkpoint verify does. What the build would ask of you when it goes on is
said first: another address than the provider's own, which would be given your key, a price of its own,
or a cap above yours is taken over with --accept-terms only.`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			o.file = args[0]
			return a.importBuild(c.Context(), o)
		},
	}
	c.Flags().StringVarP(&o.out, "output", "o", "", "folder of the application; new or empty")
	c.Flags().BoolVar(&o.accept, "accept-terms", false, "let the build keep its own address, price and cap")
	return c
}

type carryOptions struct {
	file, out string
	accept    bool
}

func (a *app) importBuild(ctx context.Context, o carryOptions) (err error) {
	file := o.file
	f, err := os.Open(file)
	if err != nil {
		return usage("E_USAGE", "as in: builder checkpoint import build.builder -o app", "%s", err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	p, err := a.place(ctx, o.out)
	if err != nil {
		return err
	}
	v, err := a.unpack(ctx, f, p)
	if err == nil {
		err = a.acceptTerms(ctx, p.folder, o.accept)
	}
	if err != nil {
		return errors.Join(archiveFault(file, err), p.discard())
	}
	if err := p.finish(); err != nil {
		return err
	}
	if err := a.registerFolder(ctx, folder{p.dir}); err != nil {
		a.say("warning: the list of builds could not be written: %s", err)
	}
	a.say("%s: %d records, %d blobs, %d objects and %d commits are as they were", v.Build, v.Records, v.Blobs, v.Objects, v.Commits)
	fmt.Fprintln(a.out, p.dir)
	a.say("it goes on with: builder resume %s", word(p.dir))
	return nil
}

// acceptTerms says on which terms a build from elsewhere goes on, and refuses those that a stranger
// could have set to reach a key or a purse, unless the person takes them.
func (a *app) acceptTerms(ctx context.Context, f folder, accept bool) (err error) {
	s, err := viewStore(ctx, f)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	state, _, err := phases.Load(ctx, s.journal)
	if err != nil {
		return err
	}
	own, err := a.settings(limitFlags{provider: providerOffline}, ".")
	if err != nil {
		return err
	}
	b, caps := state.Build, state.Guard.Caps
	a.say("it asks provider %s for model %s, under a cap of %s", b.Provider, b.Model, progress.USD(caps.USD))
	odd := oddTerms(b, caps, own.caps)
	if len(odd) == 0 || accept {
		return nil
	}
	return refused("E_IMPORT_TERMS", "if you know where the file comes from, add: --accept-terms", "it would go on %s", strings.Join(odd, ", "))
}

// oddTerms are the terms of a build that this machine's user has not set.
func oddTerms(b phases.BuildStarted, caps, own budget.Caps) []string {
	if b.Provider == providerOffline {
		return nil // nobody is asked, nothing costs anything
	}
	var odd []string
	home := ""
	for _, p := range providers() {
		if p.name == b.Provider {
			home = p.url
		}
	}
	if b.BaseURL != home {
		odd = append(odd, "asking "+b.BaseURL+" with your key")
	}
	if b.Price != "" {
		odd = append(odd, "at its own price, "+b.Price)
	}
	if caps.NoUSD || caps.USD > own.USD {
		odd = append(odd, "under a cap above yours, which is "+own.USD.String())
	}
	return odd
}

// archiveFault says of a damaged or foreign file that it is the file that is wrong.
func archiveFault(file string, err error) error {
	var f *fault
	if errors.As(err, &f) || !errors.Is(err, checkpoint.ErrCorrupt) && !errors.Is(err, checkpoint.ErrNotFound) && !errors.Is(err, workspace.ErrUnsupported) {
		return err
	}
	return &fault{code: "E_ARCHIVE_CORRUPT", exit: exitStorage, err: err, what: fmt.Sprintf("%s: %s", file, err), hint: "nothing was put in place; write it again with: builder checkpoint export DIR -o FILE"}
}

// unpacking is a build on its way from a file into a folder that has no name yet.
type unpacking struct {
	app   *app
	place *placing
	blobs *blob.Store
	id    string
	recs  []checkpoint.Record
	batch [][]byte
	want  []checkpoint.Hash
	size  int
	adopt *workspace.Adopter // nil before the first object
}

// unpack fills the folder and verifies the build in it.
func (a *app) unpack(ctx context.Context, file io.Reader, p *placing) (verification, error) {
	if err := os.Mkdir(p.root(), 0o700); err != nil {
		return verification{}, fmt.Errorf("make build folder: %w", err)
	}
	blobs, err := blob.Open(filepath.Join(p.root(), "blobs"))
	if err != nil {
		return verification{}, err
	}
	u := &unpacking{app: a, place: p, blobs: blobs}
	m, err := archive.Read(file, archive.Limits{}, func(n archive.Name, size int64, r io.Reader) error { return u.take(ctx, n, r) })
	if err == nil {
		err = u.finish(ctx, m)
	}
	if err != nil {
		return verification{}, err
	}
	s, err := viewStore(ctx, p.folder)
	if err != nil {
		return verification{}, err
	}
	v, err := verifyStore(ctx, s)
	if err = errors.Join(err, s.Close()); err == nil && len(v.Problems) > 0 {
		err = fmt.Errorf("%w: %s; %d problems in all", checkpoint.ErrCorrupt, v.Problems[0], len(v.Problems))
	}
	return v, err
}

// take keeps one entry.
func (u *unpacking) take(ctx context.Context, n archive.Name, r io.Reader) error {
	if n.Kind == archive.Journal {
		return u.journal(r)
	}
	raw, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	switch n.Kind {
	case archive.Blob:
		u.batch, u.want, u.size = append(u.batch, raw), append(u.want, checkpoint.Hash(n.ID)), u.size+len(raw)
		if u.size < 16<<20 && len(u.batch) < 512 {
			return nil
		}
		return u.flush(ctx)
	case archive.Spool:
		return writeWhole(filepath.Join(u.place.build(u.id), "spool", n.ID), raw)
	case archive.Object:
		return u.object(ctx, workspace.Object{Kind: n.Type, ID: n.ID, Raw: raw})
	case archive.Text:
		if n.ID == archive.PlanName {
			return writeWhole(filepath.Join(u.place.build(u.id), n.ID), raw)
		}
	}
	return nil
}

// journal reads the records, and which build they are of.
func (u *unpacking) journal(r io.Reader) error {
	var err error
	if u.recs, err = archive.ReadRecords(r); err != nil {
		return err
	}
	if len(u.recs) == 0 {
		return fmt.Errorf("%w: it has no records", checkpoint.ErrCorrupt)
	}
	f, err := phases.Decode(u.recs[0].Kind, u.recs[0].Payload)
	if err != nil {
		return fmt.Errorf("%w: %w", checkpoint.ErrCorrupt, err)
	}
	first, ok := f.(phases.BuildStarted)
	if !ok || !validBuildID(first.Build) {
		return fmt.Errorf("%w: its first record opens no build", checkpoint.ErrCorrupt)
	}
	u.id = first.Build
	if err := u.app.notHere(u.id); err != nil {
		return err
	}
	return os.MkdirAll(filepath.Join(u.place.build(u.id), "spool"), 0o700)
}

// notHere refuses a second copy of a build that is on this machine: both would spend under one cap.
func (a *app) notHere(id string) error {
	reg, err := a.register()
	if err != nil {
		return err
	}
	b, ok := reg.Get(id)
	if !ok {
		return nil
	}
	if here, err := (folder{b.Folder}).currentBuild(); err != nil || here != id {
		return nil
	}
	return usage("E_IMPORT_HERE", "go on with it: builder resume "+word(b.Folder)+", or take its past over: builder checkpoint fork", "build %s is on this machine, in %s: two copies would spend under one cap", id, b.Folder)
}

func (u *unpacking) flush(ctx context.Context) error {
	got, err := u.blobs.PutAll(ctx, u.batch)
	if err != nil {
		return err
	}
	for i, h := range got {
		if h != u.want[i] {
			return fmt.Errorf("%w: blob %s is not what its name says", checkpoint.ErrCorrupt, u.want[i])
		}
	}
	u.batch, u.want, u.size = nil, nil, 0
	return nil
}

func (u *unpacking) object(ctx context.Context, o workspace.Object) error {
	if u.adopt == nil {
		repo, err := workspace.Init(ctx, u.place.app, u.blobs)
		if err != nil {
			return repoFault(u.place.app, err)
		}
		u.adopt = repo.Adopt()
	}
	return u.adopt.Add(o)
}

// finish puts together what fits the manifest.
func (u *unpacking) finish(ctx context.Context, m archive.Manifest) error {
	if m.Build != u.id || m.Records != uint64(len(u.recs)) {
		return fmt.Errorf("%w: it is of build %s with %d records, its manifest says %.64q with %d", checkpoint.ErrCorrupt, u.id, len(u.recs), m.Build, m.Records)
	}
	if err := u.flush(ctx); err != nil {
		return err
	}
	if err := placeJournal(ctx, u.place.root(), u.id, u.recs); err != nil {
		return err
	}
	if u.adopt == nil {
		return nil
	}
	return u.adopt.Finish(ctx, m.Refs)
}
