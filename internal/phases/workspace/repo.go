package workspace

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/go-git/go-billy/v5/osfs"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/cache"
	"github.com/go-git/go-git/v5/storage/filesystem"

	"github.com/seed-c331f47d/builder/internal/checkpoint"
	"github.com/seed-c331f47d/builder/internal/phases"
)

// Errors of Init and Open that a caller decides on.
var (
	// ErrNotFolder means that the path is something else than a folder.
	ErrNotFolder = errors.New("not a folder")
	// ErrForeignFiles means that the folder holds files that the builder did not put there.
	ErrForeignFiles = errors.New("the folder holds files of somebody else")
	// ErrForeignRepo means that the folder is a repository that the builder did not make.
	ErrForeignRepo = errors.New("the folder is a repository of somebody else")
	// ErrUnsupported means that the repository uses something that the builder does not know or
	// that would make writing to it unsafe; the error names it.
	ErrUnsupported = errors.New("the repository is of a kind that is not supported")
	// ErrOffMain means that another branch than the build's is checked out, or none. It comes with ErrUnsupported.
	ErrOffMain = errors.New("HEAD is not on main")
	// ErrBadHead means that HEAD says nothing of a branch. It comes with ErrUnsupported.
	ErrBadHead = errors.New("HEAD is damaged")
	// ErrBadRef means that the branch's file names no commit, as a loss of power leaves it. It comes with ErrUnsupported.
	ErrBadRef = errors.New("the branch is damaged")
	// ErrLost means that the repository has not what its branch or its history names.
	ErrLost = plumbing.ErrObjectNotFound
	// ErrDirty means that the work tree differs from the newest commit; the error names the paths.
	ErrDirty = errors.New("the repository has changes that are not committed")
	// ErrBusy means that another git program holds a lock file; the error names it.
	ErrBusy = errors.New("another program is working on the repository")
)

const (
	branch     = "refs/heads/main"
	stateDir   = ".builder" // ours, excluded from the repository
	repoFormat = "[core]\n\trepositoryformatversion = 0\n\tfilemode = true\n\tbare = false\n\tlogallrefupdates = true\n[builder]\n\tversion = 1\n"
	exclude    = "# what the builder keeps beside the project\n/" + stateDir + "/\n"
)

// Repo is the user's folder with its repository; it is a [phases.Repo]. One process uses it at a
// time, under the builder's own lock; within it, it is safe for concurrent use.
type Repo struct {
	dir    string // the user's folder
	git    string // dir/.git
	blobs  checkpoint.Blobs
	limits Limits

	mu     sync.Mutex
	store  *filesystem.Storage
	ids    map[checkpoint.Hash]plumbing.Hash // git's name of a content
	stored map[plumbing.Hash]bool            // objects that are in the repository for sure, with all below them
	trees  map[string]folderTree             // by folder, with a slash at the end
	head   headTree
	cache  statCache

	// fault, in tests, is asked between the steps of what must survive a crash.
	fault func(step string) error
}

// headTree is the newest commit that was read or made.
type headTree struct {
	commit string
	tree   phases.Manifest
}

var _ phases.Repo = (*Repo)(nil)

// Init opens dir for a new build: a folder that is not there or empty becomes a repository with
// nothing committed and HEAD on main; one that the builder made before is taken as it is, if it has
// no changes that are not committed. Anything else is refused, and then nothing is written.
func Init(ctx context.Context, dir string, blobs checkpoint.Blobs) (*Repo, error) {
	r, err := initRepo(ctx, dir, blobs)
	if err != nil {
		return nil, fmt.Errorf("prepare folder %s: %w", dir, err)
	}
	return r, nil
}

func initRepo(ctx context.Context, dir string, blobs checkpoint.Blobs) (*Repo, error) {
	entries, err := os.ReadDir(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		if info, statErr := os.Stat(dir); statErr == nil && !info.IsDir() {
			return nil, ErrNotFolder
		}
		return nil, err
	}
	var foreign []string
	hasGit := false
	for _, e := range entries {
		switch {
		case e.Name() == ".git":
			hasGit = true
		case !kept(e.Name()) && !strings.HasPrefix(e.Name(), tempRepo):
			foreign = append(foreign, e.Name())
		}
	}
	if hasGit {
		return reuse(ctx, dir, blobs)
	}
	if len(foreign) > 0 {
		return nil, fmt.Errorf("%w: %s", ErrForeignFiles, some(foreign))
	}
	if err := makeRepo(dir); err != nil {
		return nil, err
	}
	return open(dir, blobs)
}

// kept says whether a name in the user's folder is the repository, what the builder keeps beside the
// project, or what a killed process left of making that.
func kept(name string) bool {
	return name == ".git" || name == stateDir || Unfinished(name)
}

// Unfinished says whether a name in the user's folder is that of a build's folder on its way to its name.
func Unfinished(name string) bool {
	return strings.HasPrefix(name, stateDir+".") && strings.HasSuffix(name, ".tmp")
}

// reuse takes a repository that the builder made, with nothing uncommitted in it.
func reuse(ctx context.Context, dir string, blobs checkpoint.Blobs) (*Repo, error) {
	r, err := open(dir, blobs)
	if err != nil {
		return nil, err
	}
	_, tree, err := r.Head(ctx)
	if err != nil {
		return nil, err
	}
	changed, err := r.Dirty(ctx, tree)
	if err != nil {
		return nil, err
	}
	if len(changed) > 0 {
		return nil, fmt.Errorf("%w: %s", ErrDirty, some(changed))
	}
	return r, nil
}

// Open opens the repository of a build that began before. Its work tree may be in any state.
func Open(_ context.Context, dir string, blobs checkpoint.Blobs) (*Repo, error) {
	r, err := open(dir, blobs)
	if err != nil {
		return nil, fmt.Errorf("open repository %s: %w", dir, err)
	}
	return r, nil
}

func open(dir string, blobs checkpoint.Blobs) (*Repo, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	git := filepath.Join(dir, ".git")
	if err := checkRepo(git); err != nil {
		return nil, err
	}
	if err := mendPacks(filepath.Join(git, "objects", "pack")); err != nil {
		return nil, err
	}
	return look(dir, git, blobs), nil
}

// look is the repository in git as it is now, knowing nothing of it yet.
func look(dir, git string, blobs checkpoint.Blobs) *Repo {
	return &Repo{
		dir: dir, git: git, blobs: blobs, limits: Limits{}.withDefaults(),
		store: filesystem.NewStorage(osfs.New(git, osfs.WithBoundOS()), cache.NewObjectLRUDefault()),
		ids:   map[checkpoint.Hash]plumbing.Hash{}, stored: map[plumbing.Hash]bool{}, trees: map[string]folderTree{},
	}
}

// some names the first of many paths.
func some(paths []string) string {
	const most = 5
	quoted := make([]string, 0, most)
	for _, p := range paths[:min(most, len(paths))] {
		quoted = append(quoted, fmt.Sprintf("%q", p))
	}
	out := strings.Join(quoted, ", ")
	if len(paths) > most {
		out += fmt.Sprintf(" and %d more", len(paths)-most)
	}
	return out
}

func (r *Repo) step(name string) error {
	if r.fault == nil {
		return nil
	}
	return r.fault(name)
}
