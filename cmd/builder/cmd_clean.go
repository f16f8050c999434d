package main

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"github.com/seed-c331f47d/builder/internal/sandbox"
)

func newClean(a *app) *cobra.Command {
	var o cleanOptions
	c := &cobra.Command{
		Use: "clean", Short: "Free what builder keeps on this machine and needs no more",
		Long: `Clean looks for scratch trees of builds that nobody works on, temporary folders and half-made builds
of processes that are gone, and with --caches the toolchains' caches. It says what it would free; with
--yes it frees it. A build that is cleaned goes on as before: its scratch tree is made again. No
application, no checkpoint and nothing that a living process holds is touched.`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return a.runClean(c.Context(), o) },
	}
	f := c.Flags()
	f.BoolVarP(&o.yes, "yes", "y", false, "free it")
	f.BoolVar(&o.dry, "dry-run", false, "only say what would be freed (this is the default)")
	f.BoolVar(&o.caches, "caches", false, "also the caches of toolchains, while no build runs: the next build compiles more")
	f.BoolVar(&o.json, "json", false, "print JSON")
	return c
}

type cleanOptions struct{ yes, dry, caches, json bool }

// litter is something of builder's own that nobody needs.
type litter struct {
	Kind  string `json:"kind"` // scratch, temporary, unfinished or cache
	Path  string `json:"path"`
	Bytes int64  `json:"bytes"`
	Freed bool   `json:"freed"`
	lock  *os.File
	age   bool // it cannot be locked: it is old enough instead
}

// oldEnough is how long something that no lock tells of must have been left alone.
const oldEnough = time.Hour

func (a *app) runClean(_ context.Context, o cleanOptions) error {
	if o.yes && o.dry {
		return usage("E_USAGE", "give one of both", "--yes and --dry-run contradict each other")
	}
	found, err := a.litter(o)
	if err != nil {
		return err
	}
	total, freed := int64(0), int64(0)
	for i := range found {
		l := &found[i]
		total += l.Bytes
		if o.yes {
			if err := l.free(); err != nil {
				a.say("warning: %s", err)
			} else {
				l.Freed, freed = true, freed+l.Bytes
			}
		}
		if l.lock != nil {
			_ = l.lock.Close() // opened for reading only
		}
	}
	if o.json {
		if found == nil {
			found = []litter{}
		}
		return writeJSON(a.out, map[string]any{"version": 1, "found": found, "bytes": total, "freed": freed})
	}
	w := tabwriter.NewWriter(a.out, 0, 0, 2, ' ', 0)
	for _, l := range found {
		fmt.Fprintf(w, "%s\t%d\t%s\n", l.Kind, l.Bytes, tidy(l.Path, nil))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	switch {
	case len(found) == 0:
		a.say("nothing to free")
	case o.yes:
		a.say("freed %d bytes", freed)
	default:
		a.say("%d bytes can be freed with: builder clean --yes%s", total, map[bool]string{true: " --caches"}[o.caches])
	}
	return nil
}

// free deletes it, unless somebody took it since.
func (l *litter) free() error {
	if l.lock != nil && !sameFile(l.Path, l.lock) || l.age && !old(l.Path) {
		return fmt.Errorf("%s is in use again: it stays", l.Path)
	}
	if err := sandbox.RemoveTree(l.Path); err != nil {
		return fmt.Errorf("free %s: %w", l.Path, err)
	}
	return nil
}

// litter finds all of it. What has a lock is locked when it is returned.
func (a *app) litter(o cleanOptions) ([]litter, error) {
	cache, err := a.cacheDir()
	if err != nil {
		return nil, err
	}
	var found []litter
	add := func(kind, path string, lockable bool) bool {
		l := litter{Kind: kind, Path: path, age: !lockable}
		if lockable {
			if l.lock = takeFree(path, unix.S_IFDIR); l.lock == nil {
				return false
			}
		} else if !old(path) {
			return false
		}
		l.Bytes = sizeBelow(path)
		found = append(found, l)
		return true
	}
	running := false
	for _, dir := range below(cache, func(name string) bool { return validBuildID(name) }) {
		running = !add("scratch", dir, true) || running
	}
	for _, dir := range below(cache, func(name string) bool { return strings.HasPrefix(name, "doctor-") }) {
		add("temporary", dir, false)
	}
	for _, dir := range below(os.TempDir(), func(name string) bool { return strings.HasPrefix(name, "builder-held-") }) {
		add("temporary", dir, true)
	}
	for _, dir := range below(os.TempDir(), func(name string) bool { return strings.HasPrefix(name, "builder-new-") }) {
		add("temporary", dir, false)
	}
	parents, err := a.parents()
	if err != nil {
		return nil, err
	}
	for _, parent := range parents {
		for _, dir := range below(parent, unfinishedPlacing.MatchString) {
			add("unfinished", dir, true)
		}
	}
	switch {
	case o.caches && running:
		a.say("the caches of toolchains stay: a build is running")
	case o.caches:
		for _, dir := range below(filepath.Join(cache, "toolchains"), func(string) bool { return true }) {
			found = append(found, litter{Kind: "cache", Path: dir, Bytes: sizeBelow(dir)})
		}
	}
	return found, nil
}

// unfinishedPlacing is how a folder is called until it has its name (see placing).
var unfinishedPlacing = regexp.MustCompile(`^\..+\.builder-new-[0-9a-f]{12}$`)

// parents are the folders that hold the known builds' applications.
func (a *app) parents() ([]string, error) {
	reg, err := a.register()
	if err != nil {
		return nil, err
	}
	all, err := reg.List()
	if err != nil {
		return nil, err
	}
	var dirs []string
	for _, b := range all {
		if filepath.IsAbs(b.Folder) {
			dirs = append(dirs, filepath.Dir(b.Folder))
		}
	}
	slices.Sort(dirs)
	return slices.Compact(dirs), nil
}

// below lists the folders, not links to folders, in dir whose names are as asked for; a dir that cannot
// be read has none.
func below(dir string, named func(string) bool) []string {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil
	}
	var out []string
	for _, e := range entries {
		if e.IsDir() && named(e.Name()) {
			out = append(out, filepath.Join(dir, e.Name()))
		}
	}
	return out
}

// old says whether nothing changed a folder for so long that no process can be about to use it.
func old(path string) bool {
	info, err := os.Lstat(path)
	return err == nil && time.Since(info.ModTime()) > oldEnough
}

// sizeBelow adds up the files below a folder, as far as they can be seen.
func sizeBelow(dir string) int64 {
	var sum int64
	_ = filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return nil // what cannot be looked at is not counted
		}
		if info, err := d.Info(); err == nil {
			sum += info.Size()
		}
		return nil
	})
	return sum
}
