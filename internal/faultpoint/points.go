package faultpoint

// Kind is what happens at a point.
type Kind string

// The kinds. A failure is one that the step itself returns.
const (
	Kill   Kind = "kill"   // the process is gone, as by kill -9
	Panic  Kind = "panic"  // a bug of builder's own
	Term   Kind = "term"   // SIGTERM arrives
	Cancel Kind = "cancel" // the build's context ends, as at Ctrl-C
	Delay  Kind = "delay"  // it takes long
	EIO    Kind = "eio"    // the disk answers with an error
	ENOSPC Kind = "enospc" // the disk is full
	Short  Kind = "short"  // the disk is full after a part
)

// Kinds lists all, in the order of tables.
func Kinds() []Kind { return []Kind{Kill, Panic, Term, Cancel, EIO, ENOSPC, Short, Delay} }

// Point is one fault point.
type Point struct {
	Name   string
	Fails  bool // the step can fail: EIO and ENOSPC apply
	Writes bool // it writes: a short write applies, too
	// After is the fault that a process before must have ended with, for the point to be reached:
	// it is a step of recovery. "" is a point that every build reaches.
	After string
}

// Takes says whether a kind of fault can happen at the point.
func (p Point) Takes(k Kind) bool {
	switch k {
	case Short:
		return p.Writes
	case EIO, ENOSPC:
		return p.Fails
	case Kill, Panic, Term, Cancel, Delay:
		return true
	}
	return false
}

// Points lists all points, in the write-ahead order of a task. A test holds it against the sources.
func Points() []Point {
	step := func(name string) Point { return Point{Name: name, Fails: true} }
	write := func(name string) Point { return Point{Name: name, Fails: true, Writes: true} }
	pass := func(name string) Point { return Point{Name: name} }
	again := func(after string, p Point) Point { p.After = after; return p }
	inFlight := "spool.mid_stream:kill"
	return []Point{
		// A build gets its folder.
		pass("temp.made"), step("journal.create"), step("journal.link"), step("folder.rename"),
		step("git.make"), write("git.write"), step("git.fsync"),
		// Every record.
		step("journal.before_commit"), step("journal.after_commit"), step("snapshot.save"),
		// A task begins.
		pass("task.after_start"), step("attempt.before_start"),
		// Intent, send, answer.
		step("intent.before_tx"), pass("intent.after_tx"),
		step("spool.create"), pass("send.before_write"), pass("send.after_write"), pass("send.first_byte"),
		write("spool.append"), pass("spool.mid_stream"), pass("send.last_byte"),
		step("spool.fsync"), step("spool.link"), step("blob.dirsync"),
		step("settle.before_tx"), pass("settle.after_tx"), pass("settle.before_unlink"), step("spool.remove"),
		// Contents.
		write("blob.write"), step("blob.fsync"), step("blob.link"),
		// Tools.
		pass("tool.after_intent"), write("edit.temp_write"), step("edit.rename"), pass("tool.after_effect"), pass("tool.after_outcome"),
		// Scratch trees and gates.
		write("tree.write"), pass("tree.between_files"), again("tool.after_effect:kill", step("tree.delete")),
		pass("setup.after_intent"), pass("setup.after_effect"), pass("setup.after_outcome"),
		pass("gate.after_intent"), pass("run.child_started"), pass("run.child_exited"), pass("gate.after_effect"), pass("gate.after_outcome"),
		// A candidate is proven and merged.
		step("attempt.before_end"), pass("attempt.after_end"), pass("merge.after_start"),
		// The commit.
		pass("commit.after_intent"), step("pack.rename"), pass("commit.objects"), step("git.lock"), step("commit.before_ref"), pass("commit.after_ref"),
		pass("commit.after_effect"), pass("commit.after_outcome"),
		// The user's folder.
		pass("checkout.after_intent"), write("checkout.write"), step("checkout.fsync"), step("checkout.rename"), step("checkout.delete"), step("checkout.dirsync"),
		step("index.rename"), pass("checkout.after_effect"), pass("checkout.after_outcome"),
		step("done.before_tx"), pass("done.after_tx"),
		// Projections.
		write("events.append"), step("status.write"), write("file.write"), step("file.rename"), step("list.rename"),
		// Recovery.
		again(inFlight, pass("recover.begin")), again(inFlight, pass("recover.settled")), again("settle.before_unlink:kill", pass("recover.spools")),
	}
}

// Find returns the point of that name.
func Find(name string) (Point, bool) {
	for _, p := range Points() {
		if p.Name == name {
			return p, true
		}
	}
	return Point{}, false
}
