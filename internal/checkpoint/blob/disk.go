package blob

import (
	"io"
	"io/fs"
	"os"
)

// Disk is the file system under a store: functions of package os by their own names, with the same
// meaning and the same errors. It is there so that a simulation can lose what was not synced; the
// nil Disk is the real one.
type Disk interface {
	Mkdir(name string, perm fs.FileMode) error
	MkdirAll(name string, perm fs.FileMode) error
	CreateTemp(dir, pattern string) (File, error)
	OpenFile(name string, flag int, perm fs.FileMode) (File, error)
	ReadFile(name string) ([]byte, error)
	ReadDir(name string) ([]fs.DirEntry, error)
	Lstat(name string) (fs.FileInfo, error)
	Link(from, to string) error
	Rename(from, to string) error
	Remove(name string) error
}

// File is an open file, or folder, of a Disk.
type File interface {
	io.ReadWriteCloser
	Name() string
	Sync() error
}

// realDisk is the file system of this machine.
type realDisk struct{}

func (realDisk) Mkdir(name string, perm fs.FileMode) error    { return os.Mkdir(name, perm) }
func (realDisk) MkdirAll(name string, perm fs.FileMode) error { return os.MkdirAll(name, perm) }
func (realDisk) ReadFile(name string) ([]byte, error)         { return os.ReadFile(name) }
func (realDisk) ReadDir(name string) ([]fs.DirEntry, error)   { return os.ReadDir(name) }
func (realDisk) Lstat(name string) (fs.FileInfo, error)       { return os.Lstat(name) }
func (realDisk) Link(from, to string) error                   { return os.Link(from, to) }
func (realDisk) Rename(from, to string) error                 { return os.Rename(from, to) }
func (realDisk) Remove(name string) error                     { return os.Remove(name) }

// CreateTemp and OpenFile give no typed nil with an error.
func (realDisk) CreateTemp(dir, pattern string) (File, error) {
	return fileOf(os.CreateTemp(dir, pattern))
}

func (realDisk) OpenFile(name string, flag int, perm fs.FileMode) (File, error) {
	return fileOf(os.OpenFile(name, flag, perm))
}

func fileOf(f *os.File, err error) (File, error) {
	if err != nil {
		return nil, err
	}
	return f, nil
}
