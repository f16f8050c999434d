package phases

import (
	"context"

	"github.com/seed-c331f47d/builder/internal/agent"
	"github.com/seed-c331f47d/builder/internal/planner"
)

// Trees keeps scratch trees.
type Trees interface {
	// Scan lists the non-ignored files of dir and stores their content; it MUST refuse what may not
	// be committed (links that leave the tree, nested repositories, special files) with a *TreeProblem.
	Scan(ctx context.Context, dir string) (Manifest, error)
	// Rescan gives the manifest of a dir whose manifest was base and in which nothing but the files at paths may have
	// changed since; it stores their content only where it is told to. False: a look at these files does not tell, Scan does.
	Rescan(ctx context.Context, dir string, base Manifest, paths []string, store bool) (Manifest, bool, error)
	// Materialise makes dir, and the folders above it, and makes it hold exactly m. With fresh also ignored files are removed.
	Materialise(ctx context.Context, m Manifest, dir string, fresh bool) error
	// Move renames a tree to where nothing stands, with all that is remembered of its files.
	Move(from, to string) error
	// Remove deletes a tree; one that is not there is fine. What a command made read-only is left to
	// `builder clean`: it is no reason to end a build.
	Remove(dir string) error
}

// TreeProblem is something in a scratch tree that may not be there; it is the agent's to mend.
type TreeProblem struct {
	Path string
	What string
}

// Error says path and problem.
func (p *TreeProblem) Error() string { return p.Path + ": " + p.What }

// Repo is the user's repository. All it does is idempotent: doing it again after a crash is safe.
type Repo interface {
	// Head returns the newest commit of the build's branch and its tree; "" when there is none.
	Head(ctx context.Context) (commit string, tree Manifest, err error)
	// Prepare computes the id that Commit will give, and writes nothing.
	Prepare(ctx context.Context, d CommitDraft) (string, error)
	// Commit writes the objects of commits that follow one another durably, moves the branch once from
	// the first one's parent to the last one, and returns its id. A
	// branch that is there already is fine; one that is anywhere else, between them too, is ErrDiverged.
	Commit(ctx context.Context, chain ...CommitDraft) (string, error)
	// Checkout brings the user's folder from one tree to another. Paths that the user has changed
	// are left alone and returned.
	Checkout(ctx context.Context, from, to Manifest) (edited []string, err error)
}

// Gates runs the checks. A failed check is a report; an error is the machine's failure.
type Gates interface {
	Run(ctx context.Context, r GateRun) (GateReport, error)
}

// GateRun is one gate on one materialised tree.
type GateRun struct {
	Gate    planner.Gate
	Tree    string // folder
	Project string
}

// GateReport is what a gate showed. Feedback is for the agent, Short for people, Log is everything.
type GateReport struct {
	Pass      bool   `json:"pass"`
	Vacuous   bool   `json:"vacuous,omitempty"`
	Exit      int    `json:"exit"`
	Tests     int    `json:"tests,omitempty"`
	Short     string `json:"short,omitempty"`
	Feedback  string `json:"feedback,omitempty"`
	Signature string `json:"signature,omitempty"` // equal for equal failures
	Log       []byte `json:"-"`
}

// Workbench makes the tools of one attempt, acting on one scratch tree.
type Workbench interface {
	Tools(ctx context.Context, scratch string, task planner.Task, shared []string) (agent.Toolbox, error)
}

// Pacer lets the sends of all workers through as fast as the provider allows. Recalled answers do
// not pass it.
type Pacer interface {
	// Enter waits until a request may be sent to a model; the end of ctx ends the wait at once. leave MUST be
	// called exactly once with what came of the send, and returns the error as it stands for the whole
	// provider. The error of Enter is ctx's cause, or a *agent.Failure of class pause_build that is
	// agent.ErrNotSent.
	Enter(ctx context.Context, model string) (leave func(agent.Response, error) error, err error)
}
