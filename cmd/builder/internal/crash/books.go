package crash

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"

	"github.com/seed-c331f47d/builder/internal/budget"
	"github.com/seed-c331f47d/builder/internal/checkpoint"
	"github.com/seed-c331f47d/builder/internal/checkpoint/blob"
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
	holds    map[string]budget.Hold // of all that was intended, by op
	fates    map[string]budget.Fate // by op
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
	l := &ledger{state: phases.NewState(), holds: map[string]budget.Hold{}, fates: map[string]budget.Fate{}, sessions: map[int]int{}}
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
		l.holds[f.Hold.Op.String()] = f.Hold
	case phases.CallAnswered:
		l.fates[f.Op.String()] = f.Fate
		if f.Fate == budget.Unknown {
			l.lost = append(l.lost, f.Settlement)
		}
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
	for op := range l.holds {
		if l.fates[op] == "" {
			bad("%s has no end", op)
		}
	}
	blobs, err := b.site.blobs()
	if err != nil {
		return append(wrong, err.Error())
	}
	booked, err := l.booked(ctx, blobs)
	if err != nil {
		bad("%s", err)
	}
	b.checkBill(l, booked, bad)
	b.checkLost(ctx, l, blobs, bad)
	for _, pid := range b.losers {
		if l.sessions[pid] > b.winners[pid] {
			bad("process %d was refused and wrote to the journal", pid)
		}
	}
	return wrong
}

// booking is how often a request's body is booked.
type booking struct{ answered, unknown int }

// limit is where a body says how long its answer may be. It is kept as it was asked, and sent with what
// its hold allows.
var limit = regexp.MustCompile(`"max_tokens":[0-9]+`)

// booked counts the bodies, by the SHA-256 of what was sent.
func (l *ledger) booked(ctx context.Context, blobs *blob.Store) (map[string]booking, error) {
	out := map[string]booking{}
	for op, hold := range l.holds {
		raw, err := blobs.Get(ctx, checkpoint.Hash(hold.RequestBlob))
		if err != nil {
			return out, fmt.Errorf("read request of %s: %w", op, err)
		}
		if at := limit.FindIndex(raw); at != nil {
			raw = slices.Concat(raw[:at[0]], fmt.Appendf(nil, `"max_tokens":%d`, hold.MaxTokens), raw[at[1]:])
		}
		body := hexOf(raw)
		n := out[body]
		switch l.fates[op] {
		case budget.Answered:
			n.answered++
		case budget.Unknown:
			n.unknown++
		}
		out[body] = n
	}
	return out, nil
}

type tell func(format string, args ...any)

// checkBill: what is spent is the bill without the true cost of what is booked as unknown, to the
// micro-dollar; nothing that was answered is asked again; what was asked again is booked.
func (b *books) checkBill(l *ledger, booked map[string]booking, bad tell) {
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
	for body, n := range booked {
		spent += int64(n.answered) * cost[body]
		b.unknown += n.unknown
		answers[asked[body]] += n.answered
		if billed[body] < n.answered || billed[body] > n.answered+n.unknown {
			bad("request %.12s was billed %d times, is booked as answered %d times and as unknown %d times", body, billed[body], n.answered, n.unknown)
		}
	}
	for body := range billed {
		if _, ok := booked[body]; !ok {
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
func (b *books) checkLost(ctx context.Context, l *ledger, blobs *blob.Store, bad tell) {
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
	for _, s := range l.lost {
		if s.Answer == "" {
			continue
		}
		if raw, err := blobs.Get(ctx, checkpoint.Hash(s.Answer)); err != nil || bytes.Contains(raw, final) {
			bad("the answer to %s came whole and is booked as unknown (%v)", s.Op, err)
		}
	}
}
