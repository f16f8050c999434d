package simtest

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// errKilled is what everything a dead process tries comes to: nothing reaches the world any more.
var errKilled = errors.New("killed")

// life is one process, to its end or its death.
type life struct {
	number int
	turn   *turnstile
	eye    *watch // nil: nobody looks on
	fate   fate
	park   bool // at the turnstile; one worker alone need not

	mu      sync.Mutex
	steps   int
	counted int // of the steps that count for its death
	temps   int
	dead    bool
	stop    bool // a person wants it to stop
	hit     int  // faults that were met
	gone    chan struct{}
	kill    context.CancelCauseFunc
}

// fate is what will happen to a life.
type fate struct {
	dieAt   int     // the step; 0: it does not die
	dieOn   place   // the steps that count for it; the zero place: all
	when    int     // 0: before the step, 1: in it, 2: after it
	part    float64 // of a write that it dies in
	stopAt  int     // the step at which a person wants it to stop; 0: nobody does
	fault   error   // of the disk; nil: there is none
	from    int     // the first step that fails
	until   int     // the last one
	reading bool    // reading fails, too
}

func (f fate) String() string {
	s := ""
	if f.dieAt > 0 {
		s += fmt.Sprintf(" dies at %d.%d", f.dieAt, f.when)
		if f.dieOn.kind != "" {
			s += fmt.Sprintf(" of %s %s", f.dieOn.kind, f.dieOn.below)
		}
	}
	if f.stopAt > 0 {
		s += fmt.Sprintf(" is stopped at %d", f.stopAt)
	}
	if f.fault != nil {
		s += fmt.Sprintf(" meets %q from %d to %d", f.fault, f.from, f.until)
	}
	return s
}

// place is a kind of step, somewhere.
type place struct{ kind, below string }

// places are where a death is most telling: around what makes something durable.
var places = []place{
	{"link", blobDir}, {"sync", blobDir}, {"sync", spoolDir}, {"remove", spoolDir}, {"write", spoolDir}, {"sync", journalDir},
	{"rename", gitDir}, {"sync", gitDir}, {"rename", folder}, {"net", ""},
}

// act is what becomes of one step.
type act struct {
	err   error
	after bool    // it is done all the same
	part  float64 // of a write that comes through
}

func newLife(number int, turn *turnstile, f fate, park bool, kill context.CancelCauseFunc) *life {
	return &life{number: number, turn: turn, fate: f, park: park, gone: make(chan struct{}), kill: kill}
}

// step is asked before every change of the world.
func (l *life) step(kind, name string, mayWait bool) act {
	if l.park && mayWait {
		l.turn.pass(kind + " " + name)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.dead {
		return act{err: errKilled}
	}
	l.steps++
	f := l.fate
	if f.dieOn.kind == "" || f.dieOn.kind == kind && strings.HasPrefix(name, f.dieOn.below) {
		l.counted++
	}
	switch {
	case f.dieAt > 0 && l.counted >= f.dieAt:
		l.die()
		a := act{err: errKilled, after: f.when == 2}
		if f.when == 1 {
			a.part = f.part
		}
		return a
	case f.stopAt > 0 && l.steps >= f.stopAt:
		l.stop = true
	}
	if f.fault == nil || l.steps < f.from || l.steps > f.until || !fails(kind, f.fault) {
		return act{}
	}
	l.hit++
	return act{err: f.fault, part: f.part}
}

// fails says which steps a fault of the disk touches.
func fails(kind string, fault error) bool {
	switch kind {
	case "net":
		return false
	case "sync", "rename", "remove":
		return !errors.Is(fault, syscall.ENOSPC)
	}
	return true
}

// look is asked before every reading of the disk.
func (l *life) look() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	f := l.fate
	switch {
	case l.dead:
		return errKilled
	case f.fault != nil && f.reading && l.steps >= f.from && l.steps <= f.until:
		l.hit++
		return syscall.EIO
	}
	return nil
}

func (l *life) isDead() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.dead
}

// die ends it: whoever waits goes on, and nothing it tries has an effect any more. l.mu is held.
func (l *life) die() {
	l.dead = true
	close(l.gone)
	l.turn.throwOpen()
	go l.kill(errKilled) // not under l.mu: what watches the context may come here
}

// temp is a name that no other file of this life has.
func (l *life) temp() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.temps++
	return strconv.Itoa(l.number) + "-" + strconv.Itoa(l.temps)
}

// sleep takes fake time; false means that the process died in it.
func (l *life) sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-l.gone:
		return errKilled
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (l *life) died() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.dead
}

func (l *life) faults() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.hit
}

func (l *life) count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.steps
}

// excused says whether something happened to this process that may have cost it an answer.
func (l *life) excused() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.hit > 0 || l.stop
}

func (l *life) wantsStop() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.stop && !l.dead
}
