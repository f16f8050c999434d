package simtest

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path"
	"slices"
	"strings"
	"syscall"

	"github.com/seed-c331f47d/builder/internal/checkpoint/blob"
)

// mount is the disk as one life sees it: every change of it is a step of that life, at which it may
// wait, fail or die. It implements blob.Disk.
type mount struct {
	d *disk
	l *life
}

var _ blob.Disk = mount{}

// quiet says that a step must not wait: the store holds a lock while it makes its folders.
func quiet(kind, name string) bool {
	return kind == "mkdir" || kind == "sync" && name == blobDir
}

// do is one change of the disk.
func (m mount) do(kind, name string, fn func() error) error {
	act := m.l.step(kind, name, !quiet(kind, name))
	if act.err == nil || act.after {
		m.d.mu.Lock()
		err := fn()
		m.d.mu.Unlock()
		if act.err == nil {
			act.err = err
		}
	}
	if act.err != nil {
		return &fs.PathError{Op: kind, Path: name, Err: act.err}
	}
	return nil
}

// look is one reading of the disk.
func (m mount) look(kind, name string, fn func() error) error {
	err := m.l.look()
	if err == nil {
		m.d.mu.Lock()
		err = fn()
		m.d.mu.Unlock()
	}
	if err != nil {
		return &fs.PathError{Op: kind, Path: name, Err: err}
	}
	return nil
}

func (m mount) Mkdir(name string, _ fs.FileMode) error {
	return m.do("mkdir", name, func() error { return m.d.mkdir(name) })
}

func (m mount) MkdirAll(name string, perm fs.FileMode) error {
	at := "/"
	for _, p := range parts(name) {
		at = path.Join(at, p)
		if m.has(at) {
			continue
		}
		if err := m.Mkdir(at, perm); err != nil && !errors.Is(err, fs.ErrExist) {
			return err
		}
	}
	return nil
}

func (m mount) has(name string) bool {
	m.d.mu.Lock()
	defer m.d.mu.Unlock()
	_, err := m.d.find(name)
	return err == nil
}

func (m mount) CreateTemp(dir, pattern string) (blob.File, error) {
	name := path.Join(dir, strings.Replace(pattern, "*", m.l.temp(), 1))
	return m.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
}

func (m mount) OpenFile(name string, flag int, _ fs.FileMode) (blob.File, error) {
	f := &file{m: m, name: name}
	if flag&os.O_CREATE == 0 {
		return f, m.look("open", name, func() (err error) { f.n, err = m.d.find(name); return err })
	}
	err := m.do("create", name, func() (err error) {
		f.n, err = m.d.create(name, flag&os.O_EXCL != 0)
		if err == nil && flag&os.O_TRUNC != 0 && len(f.n.data) > 0 {
			f.n.cut()
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return f, nil
}

func (m mount) ReadFile(name string) ([]byte, error) {
	var data []byte
	err := m.look("read", name, func() error {
		n, err := m.d.find(name)
		if err != nil {
			return err
		}
		if n.names != nil {
			return syscall.EISDIR
		}
		data = slices.Clone(n.data)
		return nil
	})
	return data, err
}

func (m mount) ReadDir(name string) ([]fs.DirEntry, error) {
	var out []fs.DirEntry
	err := m.look("list", name, func() error {
		n, err := m.d.find(name)
		if err != nil {
			return err
		}
		for _, base := range slices.Sorted(maps.Keys(n.names)) {
			out = append(out, fs.FileInfoToDirEntry(infoOf(base, n.names[base])))
		}
		return nil
	})
	return out, err
}

func (m mount) Lstat(name string) (fs.FileInfo, error) {
	var i info
	err := m.look("stat", name, func() error {
		n, err := m.d.find(name)
		if err == nil {
			i = infoOf(path.Base(name), n)
		}
		return err
	})
	return i, err
}

func infoOf(name string, n *node) info { return info{name, int64(len(n.data)), n.names != nil} }

func (m mount) Link(from, to string) error {
	return m.do("link", to, func() error { return m.d.link(from, to) })
}

func (m mount) Rename(from, to string) error {
	return m.do("rename", to, func() error { return m.d.rename(from, to) })
}

func (m mount) Remove(name string) error {
	if m.l.eye != nil {
		m.l.eye.removes(name)
	}
	return m.do("remove", name, func() error { return m.d.remove(name) })
}

// replace brings content to a name so that it is there whole or not at all, and safe.
func (m mount) replace(name string, content []byte) error {
	f, err := m.CreateTemp(path.Dir(name), ".*.tmp")
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return errors.Join(err, m.Remove(f.Name()))
	}
	if err := m.Rename(f.Name(), name); err != nil {
		return err
	}
	return m.syncName(path.Dir(name))
}

// touch makes an empty file that nobody syncs. It takes no disk, only the system's memory: so it is no
// step, and a broken disk does not keep it from being made.
func (m mount) touch(name string) error {
	if m.l.isDead() {
		return errKilled
	}
	m.d.mu.Lock()
	defer m.d.mu.Unlock()
	_, err := m.d.create(name, false)
	return err
}

// syncName syncs a file or folder by its name.
func (m mount) syncName(name string) error {
	f, err := m.OpenFile(name, os.O_RDONLY, 0)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// file is an open file or folder.
type file struct {
	m    mount
	n    *node
	name string
	at   int
}

func (f *file) Name() string { return f.name }
func (f *file) Close() error { return nil }

func (f *file) Read(p []byte) (n int, err error) {
	err = f.m.look("read", f.name, func() error {
		if f.at >= len(f.n.data) {
			return nil
		}
		n = copy(p, f.n.data[f.at:])
		f.at += n
		return nil
	})
	if n == 0 && err == nil && len(p) > 0 {
		err = io.EOF
	}
	return n, err
}

// Write may come to a part of it only, by a full disk or a death.
func (f *file) Write(p []byte) (int, error) {
	act := f.m.l.step("write", f.name, true)
	n := len(p)
	if act.err != nil {
		if n = int(float64(n) * act.part); act.after {
			n = len(p)
		}
	}
	if n > 0 {
		f.m.d.mu.Lock()
		f.n.write(f.at, p[:n])
		data := f.n.data
		f.m.d.mu.Unlock()
		if f.m.l.eye != nil {
			f.m.l.eye.wrote(f.name, data)
		}
		f.at += n
	}
	if act.err != nil {
		return n, &fs.PathError{Op: "write", Path: f.name, Err: act.err}
	}
	return n, nil
}

func (f *file) Sync() error {
	act := f.m.l.step("sync", f.name, !quiet("sync", f.name))
	f.m.d.mu.Lock()
	defer f.m.d.mu.Unlock()
	switch {
	case act.err == nil || act.after:
		f.n.sync()
	case !errors.Is(act.err, errKilled):
		f.n.syncFailed()
	}
	if act.err != nil {
		return &fs.PathError{Op: "sync", Path: f.name, Err: act.err}
	}
	return nil
}

func (f *file) String() string { return fmt.Sprintf("%s at %d", f.name, f.at) }
