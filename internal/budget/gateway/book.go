package gateway

import (
	"sync"

	"github.com/seed-c331f47d/builder/internal/budget"
)

// book numbers the calls of a ticket and knows what became of them.
//
// The rules are: a question that was not asked before is the next step; each further send of it is a
// send of its step; numbers on record are never given again.
type book struct {
	mu    sync.Mutex
	base  budget.Op
	next  int              // step
	pages map[string]*page // by question
}

// page is one question: its step and its sends.
type page struct {
	step  int
	sends []*entry
}

// entry is one send.
type entry struct {
	op        budget.Op
	question  string
	fate      budget.Fate // once it is over
	answer    string      // blob
	kind      string      // content type
	delivered bool
	claimed   bool        // an asker is there, or was when it was sent, and the end has not come
	gone      func() bool // says whether that asker went away
	ended     bool
	over      chan struct{} // closed when it has ended
}

// find is what an asker finds.
type find int

const (
	fresh    find = iota // nothing: it is to be sent
	recorded             // an answer on record, claimed for it
	underway             // a call that lost its asker and has not ended
)

func newBook(base budget.Op, kept []budget.Kept) *book {
	base.Send = 0
	b := &book{base: base, next: base.Step, pages: map[string]*page{}}
	for _, k := range kept {
		e := &entry{op: k.Op, question: k.RequestHash, fate: k.Fate, answer: k.Answer, kind: k.ContentType, delivered: k.Delivered, over: make(chan struct{})}
		e.finish()
		b.next = max(b.next, k.Op.Step+1)
		p := b.page(k.RequestHash, k.Op.Step)
		p.sends = append(p.sends, e)
	}
	return b
}

// page is the page of a question at a step, made where there is none. Of several steps with the same
// question the last one goes on.
func (b *book) page(question string, step int) *page {
	p := b.pages[question]
	if p == nil {
		p = &page{step: step}
		b.pages[question] = p
	}
	p.step = max(p.step, step)
	return p
}

// waits says whether the entry's answer is on record and waits for an asker.
func (e *entry) waits() bool {
	return e.fate == budget.Answered && e.answer != "" && !e.delivered && !e.claimed
}

// take finds what an asker of a question gets; gone says whether it went away.
func (b *book) take(question string, gone func() bool) (*entry, find) {
	b.mu.Lock()
	defer b.mu.Unlock()
	p := b.pages[question]
	if p == nil {
		p = b.page(question, b.next)
		b.next++
	}
	send := 1
	for _, e := range p.sends {
		if e.waits() {
			e.claimed = true
			return e, recorded
		}
		if !e.ended && e.gone() {
			return e, underway
		}
		if e.op.Step == p.step {
			send = max(send, e.op.Send+1)
		}
	}
	e := &entry{op: b.base, question: question, claimed: true, gone: gone, over: make(chan struct{})}
	e.op.Step, e.op.Send = p.step, send
	p.sends = append(p.sends, e)
	return e, fresh
}

// drop takes back a send that was not admitted.
func (b *book) drop(e *entry) {
	b.mu.Lock()
	defer b.mu.Unlock()
	p := b.pages[e.question]
	for i, other := range p.sends {
		if other == e {
			p.sends = append(p.sends[:i:i], p.sends[i+1:]...)
			break
		}
	}
	e.finish()
}

// settle notes what became of a send.
func (b *book) settle(e *entry, s budget.Settlement) {
	b.mu.Lock()
	defer b.mu.Unlock()
	e.fate, e.answer, e.kind = s.Fate, s.Answer, s.ContentType
}

// end says that nothing more comes of a send; its answer, if any, is handed out now or waits.
func (b *book) end(e *entry, delivered bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	e.delivered, e.claimed = e.delivered || delivered, false
	if e.fate == "" {
		e.fate = budget.Unknown
	}
	e.finish()
}

func (e *entry) finish() {
	if !e.ended {
		e.ended = true
		close(e.over)
	}
}
