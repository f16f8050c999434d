package simtest

import (
	"slices"
	"strings"

	"github.com/klauspost/compress/zstd"

	"github.com/seed-c331f47d/builder/internal/budget"
	"github.com/seed-c331f47d/builder/internal/checkpoint"
	"github.com/seed-c331f47d/builder/internal/phases"
)

// look is the oracle between two lives: what is on the disk, against what was acknowledged and what
// the provider says. It changes nothing but the book, which then is what the disk says.
func (w *world) look(l *life) {
	raw, _ := w.disk.read(journalDir + "/" + logName)
	var j journal
	j.read(raw)
	if j.broken != nil {
		w.fail("the journal is broken: %v", j.broken)
	}
	if n := uint64(len(j.records)); n < w.acked {
		w.fail("%d records were acknowledged, %d are left", w.acked, n)
	}
	b, audit, folded := newBook(), phases.NewAudit(), phases.NewState()
	for _, e := range j.records {
		_, wrong := b.take(e, &w.story.plan)
		for _, err := range []error{audit.Add(e), folded.ApplyEnvelope(e)} {
			if err != nil {
				wrong = append(wrong, err.Error())
			}
		}
		for _, p := range wrong {
			w.fail("on disk: %s", p)
		}
	}
	for _, p := range audit.Problems("the fold", &folded.Guard) {
		w.fail("on disk: %s", p)
	}
	w.book = b
	w.checkBlobs(audit)
	w.checkBranch(b)
	if _, total := w.provider.bills(); total > b.used() {
		w.fail("the provider has billed %s, on disk are %s", total, b.used())
	}
	if n := len(b.holds); n > w.workers {
		w.fail("%d calls are in flight, there are %d workers", n, w.workers)
	}
	w.mustAnswer = map[string]bool{}
	for key, h := range b.holds {
		w.excused[key] = true
		if spool, ok := w.disk.read(spoolDir + "/" + h.Op.File()); ok && w.provider.whole(h.Op.File(), spool) {
			w.mustAnswer[key] = true
		} else if w.received[h.Op.File()] {
			w.fail("the answer of %s was whole in its spool, and the way from the op to it is lost", key)
		}
	}
	w.checkSpools(b, l)
}

// checkSpools: every spool has an op, which may be settled when the process died between the two.
func (w *world) checkSpools(b *book, l *life) {
	for _, name := range w.disk.list(spoolDir) {
		op, err := budget.ParseOp(name)
		if err != nil {
			w.fail("the spool %s has no op", name)
			continue
		}
		if _, known := b.asked[op.String()]; !known {
			w.fail("the spool %s has an op that was never asked", name)
		}
		if _, open := b.holds[op.String()]; !open && !l.died() && l.faults() == 0 {
			w.fail("the spool of %s is left after its settlement", op)
		}
	}
}

// unpack is made before any bubble, so that all may use it.
var unpack = func() *zstd.Decoder {
	d, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1))
	if err != nil {
		panic(err)
	}
	return d
}()

// checkBlobs: every blob is what its name says, and every one that a record names is there.
func (w *world) checkBlobs(audit *phases.Audit) {
	have := map[checkpoint.Hash]bool{}
	for _, fan := range w.disk.list(blobDir) {
		if len(fan) != 2 {
			continue
		}
		for _, name := range w.disk.list(blobDir + "/" + fan) {
			raw, _ := w.disk.read(blobDir + "/" + fan + "/" + name)
			h, packed := strings.CutSuffix(name, ".zst")
			if packed {
				var err error
				if raw, err = unpack.DecodeAll(raw, nil); err != nil {
					w.fail("the blob %s cannot be read: %v", name, err)
				}
			}
			if got := checkpoint.HashOf(raw); string(got) != h {
				w.fail("the blob %s holds %s", name, got)
			}
			have[checkpoint.Hash(h)] = true
		}
	}
	for _, h := range audit.Blobs() {
		if !have[h] {
			w.fail("the blob %s is named by a record and is lost", h)
		}
	}
}

// mostMerged is how many commits the branch moves over at once, at most.
const mostMerged = 16

// checkBranch: the branch is one line of whole commits, one for each task that is done, and of the
// others at most those of the merge that is being recorded.
func (w *world) checkBranch(b *book) (head phases.Manifest) {
	at, _ := w.disk.read(branchFile)
	var line, tasks []string
	for id := string(at); ; {
		raw, ok := w.disk.read(packFile(id))
		if !ok {
			w.fail("the branch is at %q, and there is no such commit", id)
			return nil
		}
		p, err := openPack(id, raw)
		if err != nil {
			w.fail("the branch has %v", err)
			return nil
		}
		if head == nil {
			head, _ = phases.DecodeManifest([]byte(p.Tree)) // openPack has read it
		}
		if p.Parent == "" {
			break
		}
		line, tasks = append(line, id), append(tasks, w.trailer(p, b))
		id = p.Parent
	}
	slices.Reverse(line)
	slices.Sort(tasks)
	if len(slices.Compact(slices.Clone(tasks))) != len(tasks) {
		w.fail("a task has two commits: %v", tasks)
	}
	if len(line) < len(b.commits) || !slices.Equal(line[:len(b.commits)], b.commits) || len(line) > len(b.commits)+mostMerged {
		w.fail("the branch has %v, recorded are %v", line, b.commits)
	}
	return head
}

// trailer checks a commit's trailers and gives its task.
func (w *world) trailer(p pack, b *book) string {
	task, found := "", 0
	for _, l := range strings.Split(p.Message, "\n") {
		for _, key := range []string{"Builder-Build", "Builder-Task", "Builder-Attempt", "Builder-Plan", "Builder-Op"} {
			if v, ok := strings.CutPrefix(l, key+": "); ok {
				found++
				if key == "Builder-Task" {
					task = v
				}
			}
		}
	}
	if found != 5 {
		w.fail("a commit has %d trailers: %q", found, p.Message)
	}
	return task
}

// ended is the oracle after the end of the build.
func (w *world) ended(s *phases.State) {
	b := w.book
	switch {
	case s == nil:
		w.fail("the build ended without a state")
		return
	case len(b.holds) > 0 || len(b.open) > 0:
		w.fail("at the end %d calls and %d effects are open", len(b.holds), len(b.open))
	case s.Run != phases.DoneState && s.Run != phases.FailedState:
		w.fail("at the end the build is %s", s.Run)
	}
	if b.conflicts > 0 && !w.story.crowded {
		w.fail("%d conflicts where no changes touch", b.conflicts)
	}
	head := w.checkBranch(b)
	if have := len(b.commits); w.commits() != have {
		w.fail("%d commits are on the branch, %d tasks are done", w.commits(), have)
	}
	w.checkMoney(b)
	w.checkFolder(head)
	for id, t := range s.Tasks {
		if len(t.Edits) > 0 {
			w.fail("%s left %v as a person's own", id, t.Edits)
		}
	}
}

// commits counts what is on the branch besides the first.
func (w *world) commits() int {
	at, _ := w.disk.read(branchFile)
	n := 0
	for id := string(at); id != ""; n++ {
		raw, _ := w.disk.read(packFile(id))
		p, err := openPack(id, raw)
		if err != nil {
			return -1
		}
		id = p.Parent
	}
	return n - 1
}

// checkMoney: what is spent is what the provider billed, to the micro-dollar, but for what is booked
// as unknown; and that is at least what the provider billed for it.
func (w *world) checkMoney(b *book) {
	bills, total := w.provider.bills()
	var lost budget.Micro
	seen := map[string]bool{}
	for _, line := range bills {
		key := line.op.String()
		if seen[key] {
			w.fail("%s came to the provider twice", key)
		}
		seen[key] = true
		switch s := b.fates[key]; s.Fate {
		case budget.Answered:
			if s.Cost != line.cost {
				w.fail("%s is booked at %s, billed at %s", key, s.Cost, line.cost)
			}
		case budget.Unknown:
			lost += line.cost
		default:
			if line.cost > 0 {
				w.fail("%s is %s, billed at %s", key, s.Fate, line.cost)
			}
		}
	}
	if b.spent != total-lost {
		w.fail("spent are %s, billed %s, of it %s unknown", b.spent, total, lost)
	}
	if total > b.spent+b.unknown {
		w.fail("billed are %s, booked %s", total, b.spent+b.unknown)
	}
}

// checkFolder: the user's folder is the newest commit.
func (w *world) checkFolder(head phases.Manifest) {
	for _, e := range head {
		raw, ok := w.disk.read(folder + "/" + e.Path)
		if !ok || checkpoint.HashOf(raw) != e.Blob {
			w.fail("%s in the user's folder is not what is committed", e.Path)
		}
	}
}

// result is what the build came to.
func (w *world) result(s *phases.State) result {
	r := result{run: s.Run, done: len(w.book.commits), spent: w.book.spent}
	var first bool
	if head := w.checkBranch(w.book); !first {
		r.tree = string(head.ID())
	}
	return r
}
