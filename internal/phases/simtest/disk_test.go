package simtest

import (
	"io/fs"
	"maps"
	"math/rand/v2"
	"path"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"
)

// disk is a file system in memory that knows what would survive a loss of power.
//
// The rules are:
//   - what is written to a file survives once the file was synced; before that each write survives,
//     is lost, or is torn, by chance, whatever became of the others;
//   - a name that was made, moved or removed is so for good once its folder was synced; before that
//     each change survives or not, by chance; a move is never half done;
//   - after a failed sync nothing later makes the writes before it safe;
//   - a process that is killed loses nothing of that, and makes nothing safe either.
type disk struct {
	mu   sync.Mutex
	root *node
	dirs []*node // all that there are
}

// node is a file or a folder.
type node struct {
	names map[string]*node // of a folder, as processes see it; nil for a file
	kept  map[string]*node // of a folder, what is safe
	moves []*move          // of a folder, since it was synced

	data   []byte // of a file, as processes see it
	safe   []byte
	writes []write // since it was synced
}

// move is a change of names: a new one, a lost one, or both.
type move struct {
	from, to         *node // folders; nil where there is none
	fromName, toName string
	what             *node
	safe             bool
	fate             bool // for all folders it touches
	drawn            bool
}

type write struct {
	at    int
	data  []byte
	lost  bool // a sync of it failed: no later one makes it safe
	empty bool // the file was cut to nothing
}

func newDisk() *disk {
	root := newFolder()
	return &disk{root: root, dirs: []*node{root}}
}

func newFolder() *node { return &node{names: map[string]*node{}, kept: map[string]*node{}} }

func parts(name string) []string {
	return strings.FieldsFunc(path.Clean(name), func(r rune) bool { return r == '/' })
}

// find walks to a name.
func (d *disk) find(name string) (*node, error) {
	n := d.root
	for _, p := range parts(name) {
		if n.names == nil {
			return nil, syscall.ENOTDIR
		}
		next, ok := n.names[p]
		if !ok {
			return nil, syscall.ENOENT
		}
		n = next
	}
	return n, nil
}

func (d *disk) folder(name string) (*node, string, error) {
	dir, base := path.Split(path.Clean(name))
	n, err := d.find(dir)
	if err == nil && n.names == nil {
		err = syscall.ENOTDIR
	}
	return n, base, err
}

func (m *move) apply(names func(*node) map[string]*node) {
	if m.from != nil {
		delete(names(m.from), m.fromName)
	}
	if m.to != nil {
		names(m.to)[m.toName] = m.what
	}
}

func seen(n *node) map[string]*node  { return n.names }
func saved(n *node) map[string]*node { return n.kept }

// change makes a move that is not safe yet.
func (d *disk) change(m *move) {
	m.apply(seen)
	for _, dir := range []*node{m.from, m.to} {
		if dir != nil && (len(dir.moves) == 0 || dir.moves[len(dir.moves)-1] != m) {
			dir.moves = append(dir.moves, m)
		}
	}
}

func (d *disk) mkdir(name string) error {
	dir, base, err := d.folder(name)
	if err != nil {
		return err
	}
	if _, ok := dir.names[base]; ok {
		return syscall.EEXIST
	}
	n := newFolder()
	d.dirs = append(d.dirs, n)
	d.change(&move{to: dir, toName: base, what: n})
	return nil
}

// create makes an empty file; an old one is given as it is unless fresh is wanted.
func (d *disk) create(name string, fresh bool) (*node, error) {
	dir, base, err := d.folder(name)
	if err != nil {
		return nil, err
	}
	if n, ok := dir.names[base]; ok {
		if fresh {
			return nil, syscall.EEXIST
		}
		return n, nil
	}
	n := &node{}
	d.change(&move{to: dir, toName: base, what: n})
	return n, nil
}

func (d *disk) link(from, to string) error {
	n, err := d.find(from)
	if err != nil {
		return err
	}
	dir, base, err := d.folder(to)
	if err != nil {
		return err
	}
	if _, ok := dir.names[base]; ok {
		return syscall.EEXIST
	}
	d.change(&move{to: dir, toName: base, what: n})
	return nil
}

func (d *disk) rename(from, to string) error {
	n, err := d.find(from)
	if err != nil {
		return err
	}
	dir1, base1, _ := d.folder(from) // it was found
	dir2, base2, err := d.folder(to)
	if err != nil {
		return err
	}
	d.change(&move{from: dir1, fromName: base1, to: dir2, toName: base2, what: n})
	return nil
}

func (d *disk) remove(name string) error {
	n, err := d.find(name)
	if err != nil {
		return err
	}
	if len(n.names) > 0 {
		return syscall.ENOTEMPTY
	}
	dir, base, _ := d.folder(name) // it was found
	d.change(&move{from: dir, fromName: base})
	return nil
}

func (n *node) cut() {
	n.data = nil
	n.writes = append(n.writes, write{empty: true})
}

func (n *node) write(at int, p []byte) {
	n.data = spliced(n.data, at, p)
	n.writes = append(n.writes, write{at: at, data: slices.Clone(p)})
}

func spliced(data []byte, at int, p []byte) []byte {
	if gap := at + len(p) - len(data); gap > 0 {
		data = append(data, make([]byte, gap)...)
	}
	copy(data[at:], p)
	return data
}

// sync makes what was done to n safe.
func (n *node) sync() {
	for _, m := range n.moves {
		if !m.safe {
			m.safe = true
			m.apply(saved)
		}
	}
	n.moves = nil
	if n.names != nil {
		return
	}
	lost := n.writes[:0:0]
	for _, w := range n.writes {
		if w.lost {
			lost = append(lost, w)
		}
	}
	if len(lost) == 0 {
		n.safe = append(n.safe[:0:0], n.data...)
	} else { // pages that failed once are not written again
		n.safe = replay(n.safe, n.writes, func(w write) int {
			if w.lost {
				return 0
			}
			return len(w.data)
		})
	}
	n.writes = lost
}

// syncFailed leaves the writes before it in doubt for good.
func (n *node) syncFailed() {
	for i := range n.writes {
		n.writes[i].lost = true
	}
}

func replay(data []byte, writes []write, much func(write) int) []byte {
	data = slices.Clone(data)
	for _, w := range writes {
		k := much(w)
		switch {
		case w.empty:
			data = nil
		case k > 0:
			data = spliced(data, w.at, w.data[:k])
		}
	}
	return data
}

// lose is what a loss of power leaves.
func (d *disk) lose(rng *rand.Rand) {
	d.mu.Lock()
	defer d.mu.Unlock()
	odds := rng.Float64() // some times nearly all survives, some times nearly nothing
	for _, dir := range d.dirs {
		for _, m := range dir.moves {
			if m.safe {
				continue
			}
			if !m.drawn {
				m.drawn, m.fate = true, rng.Float64() < odds
			}
			if m.fate {
				m.safe = true
				m.apply(saved)
			}
		}
	}
	var dirs []*node
	done := map[*node]bool{}
	var walk func(n *node)
	walk = func(n *node) {
		if done[n] {
			return
		}
		done[n] = true
		if n.names == nil {
			n.settle(rng, odds)
			return
		}
		dirs = append(dirs, n)
		n.names, n.moves = maps.Clone(n.kept), nil
		for _, name := range slices.Sorted(maps.Keys(n.names)) {
			walk(n.names[name])
		}
	}
	walk(d.root)
	d.dirs = dirs
}

// settle makes a file what is left of it.
func (n *node) settle(rng *rand.Rand, odds float64) {
	n.data = replay(n.safe, n.writes, func(w write) int {
		switch p := rng.Float64(); {
		case p < odds*0.8:
			return len(w.data)
		case p < odds && len(w.data) > 0:
			return rng.IntN(len(w.data))
		}
		return 0
	})
	n.safe, n.writes = slices.Clone(n.data), nil
}

// read is the content of a file, for the oracle.
func (d *disk) read(name string) ([]byte, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	n, err := d.find(name)
	if err != nil || n.names != nil {
		return nil, false
	}
	return slices.Clone(n.data), true
}

// list names what is in a folder, for the oracle.
func (d *disk) list(name string) []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	n, err := d.find(name)
	if err != nil {
		return nil
	}
	return slices.Sorted(maps.Keys(n.names))
}

// info implements fs.FileInfo.
type info struct {
	name string
	size int64
	dir  bool
}

func (i info) Name() string       { return i.name }
func (i info) Size() int64        { return i.size }
func (i info) IsDir() bool        { return i.dir }
func (i info) ModTime() time.Time { return time.Now() }
func (i info) Sys() any           { return nil }
func (i info) Mode() fs.FileMode {
	if i.dir {
		return fs.ModeDir | 0o700
	}
	return 0o600
}
