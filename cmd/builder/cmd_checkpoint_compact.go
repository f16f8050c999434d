package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/seed-c331f47d/builder/internal/checkpoint"
	"github.com/seed-c331f47d/builder/internal/checkpoint/bolt"
	"github.com/seed-c331f47d/builder/internal/phases"
)

func checkpointCompact(a *app) *cobra.Command {
	var dry, asJSON bool
	c := &cobra.Command{
		Use: "compact [DIR]", Short: "Free what no record of a build needs",
		Long: `Compact removes blobs that no record of any build in the folder names, what killed processes left, and
the empty pages of the journal. All that builder checkpoint verify reads stays, so that it holds as
before, also if compact is killed. It works while nobody works on the build.`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return a.runCompact(c.Context(), dirArg(args), dry, asJSON)
		},
	}
	c.Flags().BoolVar(&dry, "dry-run", false, "say what would be freed, and free nothing")
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

// compacted is what `checkpoint compact` freed, in bytes on disk.
type compacted struct {
	Version       int   `json:"version"`
	DryRun        bool  `json:"dry_run"`
	Blobs         int   `json:"blobs"` // removed
	BlobBytes     int64 `json:"blob_bytes"`
	Temps         int   `json:"temporary_files"` // removed
	TempBytes     int64 `json:"temporary_bytes"`
	JournalBefore int64 `json:"journal_before"`
	JournalAfter  int64 `json:"journal_after"`
	Freed         int64 `json:"freed"`
}

func (a *app) runCompact(ctx context.Context, dir string, dry, asJSON bool) (err error) {
	f, err := openFolder(dir)
	if err != nil {
		return err
	}
	defer func() { err = f.located(f.resume(), err) }()
	c := &compacted{Version: 1, DryRun: dry}
	if err := c.blobs(ctx, f); err != nil {
		return err
	}
	ids, err := f.buildIDs()
	if err != nil {
		return err
	}
	for _, id := range ids {
		before, after, err := bolt.Compact(ctx, f.journal(id), bolt.Options{Holder: f.lock()}, dry)
		if err != nil {
			return err
		}
		c.JournalBefore, c.JournalAfter = c.JournalBefore+before, c.JournalAfter+after
	}
	c.Freed = c.BlobBytes + c.TempBytes + c.JournalBefore - c.JournalAfter
	if asJSON {
		return writeJSON(a.out, c)
	}
	did := "freed"
	if dry {
		did = "would free"
	}
	fmt.Fprintf(a.out, "%s %d bytes: %d blobs (%d bytes), %d temporary files (%d bytes), journal %d -> %d bytes\n", did, c.Freed, c.Blobs, c.BlobBytes, c.Temps, c.TempBytes, c.JournalBefore, c.JournalAfter)
	return nil
}

// buildIDs are the builds that the folder keeps.
func (f folder) buildIDs() ([]string, error) {
	entries, err := os.ReadDir(filepath.Join(f.root(), "builds"))
	if err != nil {
		return nil, fmt.Errorf("list builds of %s: %w", f.app, err)
	}
	var ids []string
	for _, e := range entries {
		if e.IsDir() && validBuildID(e.Name()) {
			ids = append(ids, e.Name())
		}
	}
	return ids, nil
}

// blobs removes what no build of the folder reaches, while the journal of its build is held: nobody
// puts anything meanwhile.
func (c *compacted) blobs(ctx context.Context, f folder) (err error) {
	s, err := openStore(ctx, f)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	keep, err := reached(ctx, s)
	if err != nil {
		return err
	}
	all, err := s.blobs.List(ctx)
	if err != nil {
		return err
	}
	for _, h := range all {
		if keep[h] {
			continue
		}
		size, err := s.blobs.Size(h)
		if err == nil && !c.DryRun {
			err = s.blobs.Remove(ctx, h)
		}
		if err != nil {
			return err
		}
		c.Blobs, c.BlobBytes = c.Blobs+1, c.BlobBytes+size
	}
	if err := s.eachLeft(s.id, c.left); err != nil {
		return err
	}
	return c.temps(filepath.Join(f.root(), "blobs", "tmp"), s.build(s.id))
}

// left removes a folder that a killed rescue left.
func (c *compacted) left(dir string) error {
	err := filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err == nil {
			c.Temps, c.TempBytes = c.Temps+1, c.TempBytes+info.Size()
		}
		return err
	})
	if err == nil && !c.DryRun {
		err = os.RemoveAll(dir)
	}
	if err != nil {
		return fmt.Errorf("remove what a killed process left: %w", err)
	}
	return nil
}

// hashLike finds what may be a blob's hash in a payload.
var hashLike = regexp.MustCompile(`\b[0-9a-f]{64}\b`)

// reached is every blob that records of any build in the folder name, in whatever field, and every file
// of a tree that they name. A blob that is lost or damaged is an error: what it names is not known.
func reached(ctx context.Context, s *store) (map[checkpoint.Hash]bool, error) {
	ids, err := s.buildIDs()
	if err != nil {
		return nil, err
	}
	keep := map[checkpoint.Hash]bool{}
	for _, id := range ids {
		if err := reachedBy(ctx, s, id, keep); err != nil {
			return nil, err
		}
	}
	return keep, nil
}

func reachedBy(ctx context.Context, s *store, id string, keep map[checkpoint.Hash]bool) (err error) {
	var j checkpoint.Journal = s.journal
	if id != s.id {
		other, err := bolt.OpenReadOnly(ctx, s.folder.journal(id), bolt.Options{Holder: s.lock(), Timeout: 100 * time.Millisecond})
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, other.Close()) }()
		j = other
	}
	audit := phases.NewAudit()
	err = j.Read(ctx, 0, func(e checkpoint.Envelope) error {
		for _, h := range hashLike.FindAllString(string(e.Payload), -1) {
			keep[checkpoint.Hash(h)] = true
		}
		return audit.Add(e)
	})
	if err != nil {
		return err
	}
	return phases.Reach(ctx, s.blobs, audit.Blobs(), func(h checkpoint.Hash, _ []byte, err error) error {
		keep[h] = true
		return err
	})
}

// temps removes temporary files from folders in which nobody is writing.
func (c *compacted) temps(dirs ...string) error {
	for _, dir := range dirs {
		entries, err := os.ReadDir(dir)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return fmt.Errorf("look for temporary files: %w", err)
		}
		for _, e := range entries {
			info, err := e.Info()
			if err != nil || !info.Mode().IsRegular() || !strings.HasSuffix(e.Name(), ".tmp") {
				continue
			}
			if !c.DryRun {
				if err := os.Remove(filepath.Join(dir, e.Name())); err != nil {
					return fmt.Errorf("remove temporary file: %w", err)
				}
			}
			c.Temps, c.TempBytes = c.Temps+1, c.TempBytes+info.Size()
		}
	}
	return nil
}
