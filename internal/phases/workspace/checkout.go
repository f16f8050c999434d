package workspace

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"slices"
	"strconv"
	"syscall"

	"golang.org/x/sync/errgroup"

	"github.com/seed-c331f47d/builder/internal/bug"
	"github.com/seed-c331f47d/builder/internal/checkpoint"
	"github.com/seed-c331f47d/builder/internal/faultpoint"
	"github.com/seed-c331f47d/builder/internal/phases"
)

// The rules of a checkout are:
//   - only paths that differ between the two trees are looked at
//   - one that is as in `from` is brought to `to`; one that is as in `to` is done; any other is the
//     user's edit, left as it is and reported
//   - files are written and synced aside, then renamed; deletions come last, but for those in the
//     way of a file or a folder of the same name; then the index
//   - no link is followed, neither the user's nor the tree's

const (
	tempDir  = ".git/builder-tmp" // files on their way to the user's folder
	parallel = 8                  // files written and synced at the same time
)

// Checkout implements [phases.Repo].
func (r *Repo) Checkout(ctx context.Context, from, to phases.Manifest) ([]string, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	edited, err := r.checkout(ctx, from, to)
	if err != nil {
		return nil, fmt.Errorf("check out: %w", err)
	}
	return edited, nil
}

func (r *Repo) checkout(ctx context.Context, from, to phases.Manifest) (edited []string, err error) {
	if err := errors.Join(from.Validate(), to.Validate(), checkHead(r.git)); err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(r.dir)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, root.Close()) }()
	changes := phases.Diff(from, to)
	c := &checkout{root: root, repo: r, to: byPath(to), folders: map[string]bool{}, touched: map[string]bool{}}
	if err := c.run(ctx, changes); err != nil {
		return nil, err
	}
	slices.Sort(c.edited)
	if err := r.updateIndex(ctx, root, to, changes, c.edited); err != nil {
		return nil, fmt.Errorf("update index: %w", err)
	}
	return c.edited, nil
}

// checkout is one run of Checkout.
type checkout struct {
	root    *os.Root
	repo    *Repo
	to      map[string]phases.Entry
	folders map[string]bool // of to
	touched map[string]bool // folders to sync
	edited  []string
}

func (c *checkout) run(ctx context.Context, changes []phases.Change) error {
	for at := range c.to {
		for dir := path.Dir(at); dir != "." && !c.folders[dir]; dir = path.Dir(dir) {
			c.folders[dir] = true
		}
	}
	var later []string
	var writes []phases.Change
	for _, ch := range changes {
		if ch.To.Path != "" {
			writes = append(writes, ch)
			continue
		}
		del, err := c.mayDelete(ch.From)
		if err != nil {
			return fmt.Errorf("look at %q: %w", ch.Path, err)
		}
		if del && !c.inTheWay(ch.Path) {
			later = append(later, ch.Path)
		} else if del {
			if err := c.remove(ch.Path); err != nil {
				return fmt.Errorf("remove %q: %w", ch.Path, err)
			}
		}
	}
	if err := c.write(ctx, writes); err != nil {
		return err
	}
	for _, at := range later {
		if err := c.remove(at); err != nil {
			return fmt.Errorf("remove %q: %w", at, err)
		}
	}
	return c.sync()
}

// inTheWay says whether a path to be deleted stands where the new tree has a folder, or below
// where it has a file.
func (c *checkout) inTheWay(at string) bool {
	if c.folders[at] {
		return true
	}
	for dir := path.Dir(at); dir != "."; dir = path.Dir(dir) {
		if _, ok := c.to[dir]; ok {
			return true
		}
	}
	return false
}

// above looks at the folders that lead to a path: blocker is the first that is something else, and
// missing says that one is not there.
func (c *checkout) above(at string) (blocker string, missing bool, err error) {
	dir := path.Dir(at)
	if dir == "." {
		return "", false, nil
	}
	if blocker, missing, err := c.above(dir); blocker != "" || missing || err != nil {
		return blocker, missing, err
	}
	info, err := c.root.Lstat(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "", true, nil
	case err != nil:
		return "", false, err
	case !info.IsDir():
		return dir, false, nil
	}
	return "", false, nil
}

// mayDelete says whether a path is still as it was; it is not when it is gone, and noted when the
// user has edited it.
func (c *checkout) mayDelete(e phases.Entry) (bool, error) {
	blocker, missing, err := c.above(e.Path)
	if err != nil || missing {
		return false, err
	}
	if blocker != "" {
		if _, ours := c.to[blocker]; !ours {
			c.edited = append(c.edited, e.Path)
		}
		return false, nil
	}
	info, err := c.root.Lstat(e.Path)
	if errors.Is(err, fs.ErrNotExist) {
		c.touch(path.Dir(e.Path))
		return false, nil
	}
	if err != nil {
		return false, err
	}
	if info.IsDir() && c.folders[e.Path] {
		return false, nil
	}
	same, err := c.repo.holds(c.root, e, info)
	if err == nil && !same {
		c.edited = append(c.edited, e.Path)
	}
	return same, err
}

// mayWrite says whether a path is still as it was; it is not when it is as it is to be, and noted
// when the user has edited it.
func (c *checkout) mayWrite(ch phases.Change) (bool, error) {
	blocker, missing, err := c.above(ch.Path)
	if err != nil {
		return false, err
	}
	fresh := ch.From.Path == ""
	if missing && fresh {
		return true, nil
	}
	if blocker != "" || missing {
		c.edited = append(c.edited, ch.Path)
		return false, nil
	}
	info, err := c.root.Lstat(ch.Path)
	if errors.Is(err, fs.ErrNotExist) && fresh {
		return true, nil
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return false, err
	}
	if err == nil {
		done, err := c.repo.holds(c.root, ch.To, info)
		if done {
			c.touch(path.Dir(ch.Path)) // brought by a process that may have been killed before it synced that
		}
		if err != nil || done {
			return false, err
		}
		same, err := c.repo.holds(c.root, ch.From, info)
		if err != nil || same && !fresh {
			return same, err
		}
	}
	c.edited = append(c.edited, ch.Path)
	return false, nil
}

// holds says whether a path of the user's folder is as in an entry.
func (r *Repo) holds(root *os.Root, e phases.Entry, info fs.FileInfo) (bool, error) {
	if e.Path == "" || modeOf(info) != e.Mode || e.Mode != phases.ModeSymlink && info.Size() != e.Size {
		return false, nil
	}
	c, err := content(root, e.Path, info, e.Size)
	if errors.Is(err, errTooLarge) || errors.Is(err, fs.ErrPermission) {
		return false, nil
	}
	return err == nil && checkpoint.HashOf(c) == e.Blob, err
}

// write brings files to their places, all of them synced before the first is renamed.
func (c *checkout) write(ctx context.Context, writes []phases.Change) error {
	if err := errors.Join(c.root.RemoveAll(tempDir), c.root.Mkdir(tempDir, 0o700)); err != nil {
		return err
	}
	var todo []phases.Entry
	for _, ch := range writes {
		ok, err := c.mayWrite(ch)
		if err != nil {
			return fmt.Errorf("look at %q: %w", ch.Path, err)
		}
		if ok {
			todo = append(todo, ch.To)
		}
	}
	work, ctx := errgroup.WithContext(ctx)
	work.SetLimit(parallel)
	for i, e := range todo {
		work.Go(bug.Guarded(func() error {
			if err := c.aside(ctx, temp(i), e); err != nil {
				return fmt.Errorf("write %q: %w", e.Path, err)
			}
			return nil
		}))
	}
	if err := work.Wait(); err != nil {
		return err
	}
	for i, e := range todo {
		if err := c.bring(temp(i), e.Path); err != nil {
			return fmt.Errorf("write %q: %w", e.Path, err)
		}
	}
	return c.root.RemoveAll(tempDir)
}

func temp(i int) string { return tempDir + "/" + strconv.Itoa(i) }

// aside writes an entry's content under a temporary name; the umask is the user's.
func (c *checkout) aside(ctx context.Context, at string, e phases.Entry) error {
	raw, err := c.repo.blobs.Get(ctx, e.Blob)
	if err != nil {
		return err
	}
	if e.Mode == phases.ModeSymlink {
		return c.root.Symlink(string(raw), at)
	}
	f, err := c.root.OpenFile(at, os.O_CREATE|os.O_EXCL|os.O_WRONLY, permOf(e.Mode))
	if err != nil {
		return err
	}
	_, err = faultpoint.Write("checkout.write", f, raw)
	if err == nil {
		err = faultpoint.At("checkout.fsync")
	}
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}

func (c *checkout) bring(temp, at string) error {
	dir := path.Dir(at)
	if err := c.root.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	if err := faultpoint.At("checkout.rename"); err != nil {
		return err
	}
	if err := c.root.Rename(temp, at); err != nil {
		return err
	}
	c.touch(dir)
	return c.repo.step("file replaced")
}

// touch has a folder synced at the end, and those above it.
func (c *checkout) touch(dir string) {
	for ; !c.touched[dir]; dir = path.Dir(dir) {
		c.touched[dir] = true
	}
}

// remove deletes a file and the folders that it leaves empty.
func (c *checkout) remove(at string) error {
	if err := faultpoint.At("checkout.delete"); err != nil {
		return err
	}
	if err := c.root.Remove(at); err != nil {
		return err
	}
	dir := path.Dir(at)
	for ; dir != "."; dir = path.Dir(dir) {
		err := c.root.Remove(dir)
		if errors.Is(err, syscall.ENOTEMPTY) || errors.Is(err, fs.ErrExist) {
			break
		}
		if err != nil {
			return err
		}
		delete(c.touched, dir)
	}
	c.touched[dir] = true
	return c.repo.step("file removed")
}

func (c *checkout) sync() error {
	if err := faultpoint.At("checkout.dirsync"); err != nil {
		return err
	}
	for dir := range c.touched {
		d, err := c.root.Open(dir)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return err
		}
		if err := errors.Join(c.repo.step("sync folder "+dir), d.Sync(), d.Close()); err != nil {
			return err
		}
	}
	return nil
}
