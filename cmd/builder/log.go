package main

import (
	"io"
	"os"

	"github.com/rs/zerolog"

	"github.com/seed-c331f47d/builder/internal/budget"
	"github.com/seed-c331f47d/builder/internal/checkpoint"
	"github.com/seed-c331f47d/builder/internal/phases"
)

// logbook writes builder.log: one JSON line an event, with build, task and op. It holds no text of
// models, specs or programs beyond one tidied line. It implements phases.Observer.
type logbook struct {
	log     zerolog.Logger
	secrets []string
}

// openLog appends to the build's log, 0600.
func openLog(path string, secrets []string) (*logbook, io.Closer, error) {
	f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, nil, err
	}
	return &logbook{log: zerolog.New(f), secrets: secrets}, f, nil
}

// Observe implements phases.Observer.
func (l *logbook) Observe(envs []checkpoint.Envelope, s *phases.State) {
	for _, e := range envs {
		f, err := phases.Decode(e.Kind, e.Payload)
		if err != nil {
			continue
		}
		ev := l.log.Info()
		text := ""
		switch f := f.(type) {
		case phases.CallIntended:
			ev = ev.Str("op", f.Hold.Op.String()).Int64("hold_microusd", int64(f.Hold.Money)).Int64("max_tokens", f.Hold.MaxTokens)
		case phases.CallAnswered:
			if f.Fate != budget.Answered || f.Uncounted || f.Overrun {
				ev = l.log.Warn()
			}
			ev = ev.Str("op", f.Op.String()).Str("fate", string(f.Fate)).Int64("cost_microusd", int64(f.Cost)).Int64("input", f.Usage.InputAll()).Int64("output", f.Usage.Output).Str("request_id", f.RequestID)
			if f.Reported > 0 || f.Uncounted || f.Overrun {
				ev = ev.Int64("reported_microusd", int64(f.Reported)).Bool("uncounted", f.Uncounted).Bool("overrun", f.Overrun)
			}
			text = f.Error
		case phases.CallFailed:
			ev = l.log.Warn().Str("op", f.Op.String()).Str("class", f.Class).Int("status", f.Status)
			text = f.Message
		case phases.EffectFinished:
			ev = ev.Str("op", f.Op.String()).Str("effect", string(f.Effect)).Str("name", tidy(f.Name, l.secrets))
			if f.Gate != nil {
				ev = ev.Bool("pass", f.Gate.Pass).Bool("base", f.Gate.Base)
				text = f.Gate.Short
			}
		case phases.EffectStarted:
			ev = ev.Str("op", f.Op.String()).Str("effect", string(f.Effect)).Str("name", tidy(f.Name, l.secrets))
		case phases.TaskFailed:
			ev = l.log.Warn()
			text = f.Reason
		case phases.Ordered:
			ev = ev.Str("order", f.ID).Str("verb", string(f.Verb))
			text = f.Text
		case phases.QuestionAsked:
			ev = l.log.Warn().Str("op", f.Op.String())
			text = f.Text
		case phases.Paused:
			ev = l.log.Warn().Str("code", f.Reason.Code)
			text = f.Reason.Message
		}
		ev.Time("time", e.Time).Uint64("seq", e.Seq).Str("build", s.Build.Build).Str("task", phases.TaskOf(f)).Str("kind", e.Kind).Msg(tidy(text, l.secrets))
	}
}
