package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/seed-c331f47d/builder/internal/checkpoint"
	"github.com/seed-c331f47d/builder/internal/checkpoint/archive"
	"github.com/seed-c331f47d/builder/internal/phases"
	"github.com/seed-c331f47d/builder/internal/phases/workspace"
	"github.com/seed-c331f47d/builder/internal/planner/planfile"
)

func checkpointExport(a *app) *cobra.Command {
	var out string
	var asJSON bool
	c := &cobra.Command{
		Use: "export [DIR] -o FILE", Short: "Write a build into one file that another machine can go on with",
		Long: `Export writes all of a build into one file: every record, the blobs they name, answers that were being
received, and the commits of the application. Keys, configuration and logs are not in it. It works
while nobody works on the build. On another machine: builder checkpoint import FILE -o DIR.`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return a.reading(c.Context(), dirArg(args), asJSON, func(ctx context.Context, r reader) error { return a.runExport(ctx, r, out) })
		},
	}
	c.Flags().StringVarP(&out, "output", "o", "", "the file; it must not be there")
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

// exported is what went into a file.
type exported struct {
	Version int      `json:"version"`
	Build   string   `json:"build"`
	File    string   `json:"file"`
	Bytes   int64    `json:"bytes"`
	Records uint64   `json:"records"`
	Blobs   int      `json:"blobs"`
	Spools  int      `json:"spools"`
	Objects int      `json:"objects"`
	Left    []string `json:"left_out,omitempty"`      // references that have no plain name
	Edits   []string `json:"not_committed,omitempty"` // changes in the folder that are in no commit
}

func (a *app) runExport(ctx context.Context, r reader, out string) error {
	if out == "" {
		return usage("E_USAGE", "as in: -o build.builder", "the file is missing: -o FILE")
	}
	if _, err := os.Lstat(out); err == nil {
		return usage("E_EXISTS", "choose another name, or remove it", "%s is there already", out)
	}
	x := &exported{Version: 1, Build: r.id, File: out}
	if err := writeNewFile(out, func(f *os.File) error { return x.write(ctx, r.store, f) }); err != nil {
		return err
	}
	info, err := os.Stat(out)
	if err != nil {
		return err
	}
	x.Bytes = info.Size()
	if r.json {
		return writeJSON(a.out, x)
	}
	fmt.Fprintf(a.out, "%s: %s, %d records, %d blobs, %d open answers, %d objects, %d bytes\n", tidy(out, nil), x.Build, x.Records, x.Blobs, x.Spools, x.Objects, x.Bytes)
	if len(x.Left) > 0 {
		a.say("left out, as their names are unusual: %s", strings.Join(x.Left, ", "))
	}
	if len(x.Edits) > 0 {
		a.say("E_USER_EDIT: changed in %s, in no commit, and so not in the file: %s", r.app, strings.Join(x.Edits, ", "))
	}
	return nil
}

func (x *exported) write(ctx context.Context, s *store, f io.Writer) error {
	w, err := archive.NewWriter(f)
	if err != nil {
		return err
	}
	m := archive.Manifest{Builder: version, Build: s.id}
	for _, part := range []func(context.Context, *store, *archive.Writer, *archive.Manifest) error{x.records, x.texts, x.blobs, x.spools, x.history} {
		if err := part(ctx, s, w, &m); err != nil {
			w.Abort()
			return err
		}
	}
	return w.Close(m)
}

// records writes the journal. Its size must be known before, so it is written aside first: beside the
// export, as the build's folder may be read-only, and without a name, so that a kill leaves nothing.
func (x *exported) records(ctx context.Context, s *store, w *archive.Writer, m *archive.Manifest) (err error) {
	tmp, err := os.CreateTemp(filepath.Dir(x.File), newFilePrefix(x.File)+"*"+tmpSuffix)
	if err != nil {
		return fmt.Errorf("export records: %w", err)
	}
	defer func() { err = errors.Join(err, tmp.Close()) }()
	if err := os.Remove(tmp.Name()); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("export records: %w", err)
	}
	if x.Records, err = archive.WriteRecords(ctx, s.journal, tmp); err != nil {
		return err
	}
	m.Records = x.Records
	size, err := tmp.Seek(0, io.SeekEnd)
	if err == nil {
		_, err = tmp.Seek(0, io.SeekStart)
	}
	if err != nil {
		return fmt.Errorf("export records: %w", err)
	}
	return w.Add(archive.JournalName, size, tmp)
}

// texts writes spec and plan as people read them.
func (x *exported) texts(ctx context.Context, s *store, w *archive.Writer, _ *archive.Manifest) error {
	state, _, err := phases.Load(ctx, s.journal)
	if err != nil {
		return err
	}
	spec, err := s.blobs.Get(ctx, state.Build.Spec)
	if err != nil {
		return err
	}
	if err := w.AddBytes(archive.SpecName, spec); err != nil || state.Plan == "" {
		return err
	}
	plan, err := phases.ReadPlan(ctx, s.blobs, state.Plan)
	if err != nil {
		return err
	}
	raw, err := planfile.Encode(plan)
	if err != nil {
		return err
	}
	return w.AddBytes(archive.PlanName, raw)
}

func (x *exported) blobs(ctx context.Context, s *store, w *archive.Writer, _ *archive.Manifest) error {
	audit := phases.NewAudit()
	if err := s.journal.Read(ctx, 0, audit.Add); err != nil {
		return err
	}
	return phases.Reach(ctx, s.blobs, audit.Blobs(), func(h checkpoint.Hash, content []byte, err error) error {
		if err != nil {
			return err
		}
		x.Blobs++
		return w.AddBytes(archive.BlobName(h), content)
	})
}

func (x *exported) spools(_ context.Context, s *store, w *archive.Writer, _ *archive.Manifest) error {
	names, err := s.spools.List()
	if err != nil {
		return err
	}
	for _, name := range names {
		raw, err := s.spools.Read(name)
		if err != nil {
			return err
		}
		x.Spools++
		if err := w.AddBytes(archive.SpoolName(name), raw); err != nil {
			return err
		}
	}
	return nil
}

func (x *exported) history(ctx context.Context, s *store, w *archive.Writer, m *archive.Manifest) error {
	h, err := workspace.ReadHistory(s.app, &checkpoint.MemoryBlobs{})
	if errors.Is(err, fs.ErrNotExist) {
		return nil // nothing was committed yet
	}
	if err != nil {
		return err
	}
	if m.Refs, x.Left, err = h.Refs(); err != nil {
		return err
	}
	err = h.Objects(ctx, slices.Sorted(maps.Values(m.Refs)), func(o workspace.Object) error {
		x.Objects++
		return w.AddBytes(archive.ObjectName(o.Kind, o.ID), o.Raw)
	})
	if err != nil {
		return err
	}
	x.Edits, err = h.Dirty(ctx)
	return err
}
