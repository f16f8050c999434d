//go:build faults

package faultpoint

import (
	"fmt"
	"io"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Enabled says whether this program has fault points.
const Enabled = true

// pause is how long a delay takes, and how long a signal has to arrive.
const pause = 50 * time.Millisecond

// fault is one order of the environment.
type fault struct {
	point  string
	kind   Kind
	nth    int
	onward bool // and all after it
}

// board counts what is reached in this process.
type board struct {
	mu      sync.Mutex
	faults  []fault
	seen    *os.File
	count   map[string]int
	all     int // of all points
	failing int // of those that can fail
	cancel  func()
}

// theBoard is read from the environment when the first point is reached. A program has one: it is
// what its environment ordered.
var theBoard = sync.OnceValue(func() *board {
	b := &board{count: map[string]int{}}
	for _, order := range strings.Split(os.Getenv("BUILDER_FAULT"), ",") {
		if order == "" {
			continue
		}
		f, err := parse(order)
		if err != nil {
			panic(err)
		}
		b.faults = append(b.faults, f)
	}
	if path := os.Getenv("BUILDER_FAULT_SEEN"); path != "" {
		f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
		if err != nil {
			panic(err)
		}
		b.seen = f
	}
	return b
})

func parse(order string) (fault, error) {
	name, rest, _ := strings.Cut(order, ":")
	kind, at, counted := strings.Cut(rest, "@")
	f := fault{point: name, kind: Kind(kind), nth: 1}
	if p, known := Find(name); name != "*" && (!known || !p.Takes(f.kind)) {
		return f, fmt.Errorf("BUILDER_FAULT: no fault %q", order)
	}
	if counted {
		at, f.onward = strings.CutSuffix(at, "+")
		var err error
		if f.nth, err = strconv.Atoi(at); err != nil || f.nth < 1 {
			return f, fmt.Errorf("BUILDER_FAULT: no count in %q", order)
		}
	}
	return f, nil
}

// reach counts a point, writes it down and says which fault is due there.
func (b *board) reach(name string) (Kind, bool) {
	p, known := Find(name)
	if !known {
		panic("fault point " + name + " is not in the list of points")
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.count[name]++
	b.all++
	if p.Fails {
		b.failing++
	}
	if b.seen != nil {
		if _, err := b.seen.WriteString(name + "\n"); err != nil {
			panic(err)
		}
	}
	for _, f := range b.faults {
		n := b.count[name]
		switch {
		case f.point == name:
		case f.point != "*":
			continue
		case !f.kind.failure():
			n = b.all
		case p.Takes(f.kind):
			n = b.failing
		default:
			continue
		}
		if n == f.nth || f.onward && n > f.nth {
			return f.kind, true
		}
	}
	return "", false
}

// strike does what a fault does, and returns the error of one that is a failure.
func (b *board) strike(name string, k Kind) error {
	switch k {
	case Kill:
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {}
	case Panic:
		panic("fault point " + name)
	case Term:
		_ = syscall.Kill(os.Getpid(), syscall.SIGTERM)
		time.Sleep(pause)
	case Cancel:
		b.mu.Lock()
		cancel := b.cancel
		b.mu.Unlock()
		if cancel != nil {
			cancel()
		}
	case Delay:
		time.Sleep(pause)
	case EIO:
		return &fs.PathError{Op: "write", Path: "fault point " + name, Err: syscall.EIO}
	case ENOSPC, Short:
		return &fs.PathError{Op: "write", Path: "fault point " + name, Err: syscall.ENOSPC}
	}
	return nil
}

// At is a step that can fail; its error is the injected one.
func At(name string) error {
	b := theBoard()
	if k, due := b.reach(name); due {
		return b.strike(name, k)
	}
	return nil
}

// Pass is a place between two steps: nothing there can fail, but the process can end.
func Pass(name string) {
	_ = At(name) // the list has no failure for it
}

// PassOf is Pass for the point owner.step.
func PassOf(owner, step string) { Pass(owner + "." + step) }

// Write writes p to w; a short write leaves a part of it there.
func Write(name string, w io.Writer, p []byte) (int, error) {
	b := theBoard()
	k, due := b.reach(name)
	if !due {
		return w.Write(p)
	}
	n := 0
	if k == Short {
		var err error
		if n, err = w.Write(p[:len(p)/2]); err != nil {
			return n, err
		}
	}
	if err := b.strike(name, k); err != nil {
		return n, err
	}
	return w.Write(p)
}

// OnCancel says what a fault of the kind cancel does.
func OnCancel(cancel func()) {
	b := theBoard()
	b.mu.Lock()
	defer b.mu.Unlock()
	b.cancel = cancel
}

// failure says whether the step itself returns an error of this kind.
func (k Kind) failure() bool { return k == EIO || k == ENOSPC || k == Short }
