package crash

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/seed-c331f47d/builder/internal/budget"
	"github.com/seed-c331f47d/builder/internal/checkpoint"
	"github.com/seed-c331f47d/builder/internal/checkpoint/bolt"
	"github.com/seed-c331f47d/builder/internal/phases"
)

// books are what is known of one build's money from outside: from its journal, from its spools at the
// moment of each end, and from the model's bill.
type books struct {
	site    *site
	whole   []string // ops whose answer was whole in its spool when a process ended
	lost    int      // calls in flight at lethal ends
	winners map[int]int
	losers  []int

	charges, again, unknown int // of the end
}

// ledger is what a journal says of money, folded record by record.
type ledger struct {
	state    *phases.State
	fates    map[string]budget.Fate // by op
	bodies   map[string][2]int      // by body: ops answered, ops unknown
	body     map[string]string      // of an op
	lost     []budget.Settlement    // booked as unknown
	sessions map[int]int            // by pid
	wrong    []string
}

// fold reads the journal as it stands. nil: there is none yet.
func (b *books) fold(ctx context.Context) (*ledger, error) {
	path := b.site.path("app/.builder/builds/" + buildID + "/journal.db")
	j, err := bolt.OpenReadOnly(ctx, path, bolt.Options{Holder: b.site.path("app/.builder/lock")})
	if errors.Is(err, checkpoint.ErrNotFound) && !b.site.begun() {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	l := &ledger{state: phases.NewState(), fates: map[string]budget.Fate{}, bodies: map[string][2]int{}, body: map[string]string{}, sessions: map[int]int{}}
	err = j.Read(ctx, 0, l.add)
	return l, errors.Join(err, j.Close())
}

func (l *ledger) add(e checkpoint.Envelope) error {
	if err := l.state.ApplyEnvelope(e); err != nil {
		return err
	}
	l.capped(e.Seq)
	fact, err := phases.Decode(e.Kind, e.Payload)
	if err != nil {
		return err
	}
	switch f := fact.(type) {
	case phases.SessionStarted:
		l.sessions[f.PID]++
	case phases.CallIntended:
		l.body[f.Hold.Op.String()] = f.Hold.RequestBlob
	case phases.CallAnswered:
		op := f.Op.String()
		l.fates[op] = f.Fate
		n := l.bodies[l.body[op]]
		switch f.Fate {
		case budget.Answered:
			n[0]++
		case budget.Unknown:
			n[1]++
			l.lost = append(l.lost, f.Settlement)
		}
		l.bodies[l.body[op]] = n
	}
	return nil
}

// capped holds every scope against its cap (law L3).
func (l *ledger) capped(seq uint64) {
	g := &l.state.Guard
	for _, scope := range append(g.Scopes(), budget.Build) {
		a, limit := g.Account(scope), g.Limit(scope)
		if limit.USD > 0 && a.Used() > limit.USD {
			l.wrong = append(l.wrong, fmt.Sprintf("record %d: %s of %s are used in scope %s", seq, a.Used(), limit.USD, scope))
		}
	}
}

// after looks at what a round left: the cap, the calls in flight, what is billed so far, whole answers
// in spools, processes.
func (b *books) after(ctx context.Context, d draw, r *result) {
	bad := func(format string, args ...any) { r.wrong = append(r.wrong, fmt.Sprintf(format, args...)) }
	for _, p := range Alive(ctx, b.site.dir) {
		bad("a process is left: %s", p)
	}
	b.losers = append(b.losers, r.losers...)
	if b.winners == nil {
		b.winners = map[int]int{}
	}
	b.winners[r.winner]++
	if err := b.spooled(); err != nil {
		bad("%s", err)
	}
	l, err := b.fold(ctx)
	if err != nil {
		bad("fold: %s", err)
		return
	}
	if l == nil {
		return
	}
	r.wrong = append(r.wrong, l.wrong...)
	r.flying = len(l.state.Guard.Holds)
	b.lost += r.flying
	if d.kind == Interrupt {
		b.lost += b.site.trial.c.Workers // what was cut is booked already
	}
	if (d.kind == Interrupt || d.kind == Terminate) && r.flying > 0 {
		bad("%d calls are held after %s", r.flying, d.kind)
	}
	if r.flying > b.site.trial.c.Workers {
		bad("%d calls are in flight, of %d workers", r.flying, b.site.trial.c.Workers)
	}
	used := l.state.Guard.Account(budget.Build).Used()
	if billed := b.billed(); budget.Micro(billed) > used {
		bad("%s are billed, %s are spent, unknown or held", budget.Micro(billed), used)
	}
}

func (b *books) billed() (sum int64) {
	for _, c := range b.site.model.Charges() {
		sum += c.Cost
	}
	return sum
}

// final is the last event of an answer.
var final = []byte("event: message_stop")

// spooled notes the answers that are whole in their spools: whatever comes, they are paid for and
// must be booked as answered.
func (b *books) spooled() error {
	names, err := filepath.Glob(b.site.path("app/.builder/builds/" + buildID + "/spool/*"))
	if err != nil {
		return err
	}
	for _, path := range names {
		raw, err := os.ReadFile(path)
		if err != nil {
			return fmt.Errorf("read spool: %w", err)
		}
		if at := bytes.Index(raw, final); at >= 0 && bytes.Contains(raw[at:], []byte("\n\n")) {
			b.whole = append(b.whole, filepath.Base(path))
		}
	}
	return nil
}

// check holds the books of a build that has ended against the model's bill.
func (b *books) check(ctx context.Context) []string {
	l, err := b.fold(ctx)
	if err != nil || l == nil {
		return []string{fmt.Sprintf("fold: %v", err)}
	}
	wrong := l.wrong
	bad := func(format string, args ...any) { wrong = append(wrong, fmt.Sprintf(format, args...)) }
	if l.state.Run != phases.DoneState {
		bad("the build is %s", l.state.Run)
	}
	if n := len(l.state.Guard.Holds); n > 0 {
		bad("%d calls are still held", n)
	}
	for op := range l.body {
		if l.fates[op] == "" {
			bad("%s has no end", op)
		}
	}
	b.checkBill(l, bad)
	b.checkLost(ctx, l, bad)
	for _, pid := range b.losers {
		if l.sessions[pid] > b.winners[pid] {
			bad("process %d was refused and wrote to the journal", pid)
		}
	}
	return wrong
}

type tell func(format string, args ...any)

// checkBill: what is spent is the bill without the true cost of what is booked as unknown, to the
// micro-dollar; nothing that was answered is asked again; what was asked again is booked.
func (b *books) checkBill(l *ledger, bad tell) {
	billed, cost, questions := map[string]int{}, map[string]int64{}, map[string]int{}
	asked := map[string]string{}
	for _, c := range b.site.model.Charges() {
		billed[c.Body]++
		cost[c.Body] = c.Cost
		questions[c.Question]++
		asked[c.Body] = c.Question
		b.charges++
	}
	var spent int64
	answers := map[string]int{}
	for body, n := range l.bodies {
		spent += int64(n[0]) * cost[body]
		b.unknown += n[1]
		answers[asked[body]] += n[0]
		if billed[body] < n[0] || billed[body] > n[0]+n[1] {
			bad("request %.12s was billed %d times, is booked as answered %d times and as unknown %d times", body, billed[body], n[0], n[1])
		}
	}
	for body := range billed {
		if _, ok := l.bodies[body]; !ok {
			bad("request %.12s was billed and is not booked", body)
		}
	}
	for question, n := range questions {
		b.again += n - 1
		if answers[question] > 1 {
			bad("%.60s was answered %d times", question, answers[question])
		}
	}
	if a := l.state.Guard.Account(budget.Build); int64(a.Spent) != spent {
		bad("%s are spent; the bill without what is unknown is %s", a.Spent, budget.Micro(spent))
	}
	if b.again > b.unknown {
		bad("%d calls were made again, %d are booked as unknown", b.again, b.unknown)
	}
	if b.unknown > b.lost {
		bad("%d calls are booked as unknown, %d were in flight when processes were ended", b.unknown, b.lost)
	}
}

// checkLost: an answer that was whole in its spool is booked as answered.
func (b *books) checkLost(ctx context.Context, l *ledger, bad tell) {
	var file []string
	for op, fate := range l.fates {
		if parsed, err := budget.ParseOp(op); err == nil && fate == budget.Answered {
			file = append(file, parsed.File())
		}
	}
	for _, op := range b.whole {
		if !slices.Contains(file, op) {
			bad("the answer to %s came whole, and is not booked as answered", op)
		}
	}
	blobs, err := b.site.blobs()
	if err != nil {
		bad("%s", err)
		return
	}
	for _, s := range l.lost {
		if s.Answer == "" {
			continue
		}
		if raw, err := blobs.Get(ctx, checkpoint.Hash(s.Answer)); err != nil || bytes.Contains(raw, final) {
			bad("the answer to %s came whole and is booked as unknown (%v)", s.Op, err)
		}
	}
}
