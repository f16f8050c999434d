package tools

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
)

const mostVisited = 50_000 // files and folders of one listing or search

// entry is a file found below the tree.
type entry struct {
	dir  *os.Root // open while visit runs
	name string
	path string // from the tree
	info fs.FileInfo
}

// errStop ends a visit early without being an error.
var errStop = errors.New("enough")

// visit calls fn for every file below the folder path, in the order of their names, folder by
// folder. It follows no link and leaves out protected names and installed packages
// (node_modules); a file with a name that no path can spell is left out, too.
func visit(ctx context.Context, root *os.Root, folder string, fn func(entry) error) error {
	p, err := walk(root, folder, false)
	if err != nil {
		return err
	}
	defer p.close()
	dir, prefix := p.dir, ""
	if p.name != "." {
		info, err := p.dir.Lstat(p.name)
		if err == nil && info.Mode().IsRegular() {
			return stopped(fn(entry{dir: p.dir, name: p.name, path: p.path, info: info}))
		}
		if dir, err = enter(p.dir, p.name, p.path, false); err != nil {
			return err
		}
		defer dir.Close() //nolint:errcheck // only a descriptor
		prefix = p.path
	}
	left := mostVisited
	return stopped(visitDir(ctx, dir, prefix, &left, fn))
}

func stopped(err error) error {
	if err == errStop { //nolint:errorlint // it is never wrapped
		return nil
	}
	return err
}

func visitDir(ctx context.Context, dir *os.Root, prefix string, left *int, fn func(entry) error) error {
	if err := ctx.Err(); err != nil {
		return context.Cause(ctx)
	}
	if strings.Count(prefix, "/") >= mostDepth {
		return nil
	}
	list, err := fs.ReadDir(dir.FS(), ".")
	if err != nil {
		var f *Fault
		if err = trouble("list", prefix, err); errors.As(err, &f) {
			return nil // it went away, or may not be read
		}
		return err
	}
	slices.SortFunc(list, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	for _, item := range list {
		if *left--; *left < 0 {
			return errStop
		}
		full := path.Join(prefix, item.Name())
		if _, err := split(item.Name()); err != nil || item.Name() == "node_modules" {
			continue
		}
		if item.IsDir() {
			next, err := enter(dir, item.Name(), full, false)
			if err != nil {
				continue // it went away or became a link
			}
			err = visitDir(ctx, next, full, left, fn)
			_ = next.Close() // only a descriptor
			if err != nil {
				return err
			}
			continue
		}
		info, err := item.Info()
		if err != nil {
			continue // it went away
		}
		if err := fn(entry{dir: dir, name: item.Name(), path: full, info: info}); err != nil {
			return err
		}
	}
	return nil
}
