package phases

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/seed-c331f47d/builder/internal/agent"
	"github.com/seed-c331f47d/builder/internal/budget"
	"github.com/seed-c331f47d/builder/internal/checkpoint"
)

// keptAnswer is what the journal knows of a question.
type keptAnswer struct {
	request string
	answer  checkpoint.Hash
	typ     string
	failed  *CallFailed // the last failure, while there is no answer
}

// errNoAnswer means that the journal has no answer to a question.
var errNoAnswer = errors.New("the journal has no answer to this question")

// collect notes what the journal knows of each question.
func (r *Replay) collect(env checkpoint.Envelope) error {
	f, err := Decode(env.Kind, env.Payload)
	if err != nil {
		return err
	}
	switch f := f.(type) {
	case CallIntended:
		r.of(f.Hold.Op).request = f.Hold.RequestHash
	case CallAnswered:
		if f.Fate == budget.Answered {
			k := r.of(f.Op)
			k.answer, k.typ, k.failed = checkpoint.Hash(f.Answer), f.ContentType, nil
		}
	case CallFailed:
		if k := r.of(f.Op); k.answer == "" {
			k.failed = &f
		} else {
			k.answer, k.failed = "", &f // complete, and of no use
		}
	}
	return nil
}

// of is what is known of the question that an op sends.
func (r *Replay) of(op budget.Op) *keptAnswer {
	op.Send = 0
	k, ok := r.answers[op]
	if !ok {
		k = &keptAnswer{}
		r.answers[op] = k
	}
	return k
}

// recalling answers from the journal of the build that is replayed.
type recalling struct {
	replay *Replay
	reader agent.Model
}

// Complete implements agent.Model.
func (m recalling) Complete(ctx context.Context, req agent.Request) (agent.Response, error) {
	call, ok := budget.CallFrom(ctx)
	if !ok {
		return agent.Response{}, errors.New("a call without an op")
	}
	k := m.replay.of(call.Op)
	if k.request != "" && k.request != call.RequestHash {
		m.replay.differs(call.Op)
	}
	switch {
	case k.answer != "":
		raw, err := m.replay.Engine.Blobs.Get(ctx, k.answer)
		if err != nil {
			return agent.Response{}, fmt.Errorf("recall answer of %s: %w", call.Op, err)
		}
		reader, ok := m.reader.(agent.Replayer)
		if !ok {
			return agent.Response{}, fmt.Errorf("recall answer of %s: the model cannot read kept answers: %w", call.Op, checkpoint.ErrNotFound)
		}
		return reader.Replay(ctx, req, k.typ, raw)
	case k.failed != nil && (k.failed.Class == string(agent.FixRequest) || k.failed.Class == string(agent.FailTask)):
		return agent.Response{}, &agent.Failure{
			Class: agent.Class(k.failed.Class), Cause: agent.Cause(k.failed.Cause), Status: k.failed.Status,
			Type: k.failed.Type, Message: k.failed.Message, Err: errRecalled,
		}
	}
	return agent.Response{}, fmt.Errorf("%s: %w", call.Op, errNoAnswer)
}

// differs notes, once an attempt, that its conversation is another one by now: a tool said something else.
func (r *Replay) differs(op budget.Op) {
	text := fmt.Sprintf("%s attempt %d: a tool or a gate said something else than it did then; the answers are the recorded ones", op.Task, op.Attempt)
	if !slices.Contains(r.report.Notes, text) {
		r.report.Notes = append(r.report.Notes, text)
	}
}
