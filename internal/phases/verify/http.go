package verify

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/seed-c331f47d/builder/internal/planner"
)

// mostAnswer is how much of an answer is read.
const mostAnswer = 16 << 20

// http starts the gate's server, asks it every step, and asks it to end.
func (v *Verifier) http(ctx context.Context, r *room) (Report, error) {
	if len(r.gate.Start) == 0 {
		return Report{}, errors.New("no server to start")
	}
	if len(r.gate.Steps) == 0 {
		return Report{Vacuous: true, Summary: "vacuous: no request is sent", Feedback: "This gate sends no request."}, nil
	}
	steps := make([]planner.Step, len(r.gate.Steps))
	for i, line := range r.gate.Steps {
		step, err := planner.ParseStep(line)
		if err != nil {
			return Report{}, fmt.Errorf("step %d: %w", i+1, err)
		}
		steps[i] = step
	}
	ctx, cancel := context.WithDeadline(ctx, r.deadline)
	defer cancel()
	s, err := v.serve(ctx, r)
	if err != nil {
		return Report{}, err
	}
	faults := s.ready(ctx, r.gate.Ready)
	passed := 0
	if len(faults) == 0 {
		faults, passed = s.ask(ctx, steps)
	}
	end, err := s.end(context.WithoutCancel(ctx), r.gate.Expect.Exit)
	if err != nil {
		return Report{}, err
	}
	return s.report(r, append(faults, end...), passed, len(steps)), nil
}

// report puts the faults and the server's own words together.
func (s *server) report(r *room, faults []string, passed, steps int) Report {
	report := Report{Pass: len(faults) == 0, Exit: s.out.Exit, Summary: fmt.Sprintf("%d of %d requests as expected", passed, steps)}
	said := strings.TrimSpace(string(s.out.Stdout) + "\n" + string(s.out.Stderr))
	fmt.Fprintf(&r.log, "%s\nserver:\n%s\n", report.Summary, said)
	if report.Pass {
		return report
	}
	if passed == steps {
		report.Summary = faults[0]
	}
	if passed == steps {
		faults = faults[1:] // the summary says it
	}
	shown := faults[:min(len(faults), mostFaults)]
	report.Feedback = strings.TrimSpace(fmt.Sprintf("Gate %s failed: %s.\n\n%s", r.gate.ID, report.Summary, strings.Join(shown, "\n\n")))
	if n := len(faults) - len(shown); n > 0 {
		report.Feedback += fmt.Sprintf("\n\n(and %d more)", n)
	}
	if said != "" {
		report.Feedback += "\n\nThe server printed:\n" + clip(said)
	}
	return report
}

// ask sends the steps in order. Those that need a value which an earlier answer did not give are
// left out and told.
func (s *server) ask(ctx context.Context, steps []planner.Step) (faults []string, passed int) {
	known := captures{}
	for i, step := range steps {
		name := fmt.Sprintf("step %d: %s %s", i+1, step.Method, step.Path)
		if missing := known.unknown(step); missing != "" {
			faults = append(faults, fmt.Sprintf("%s\n  not sent: no earlier answer gave %s", name, missing))
			continue
		}
		found := s.step(ctx, step, known)
		fmt.Fprintf(&s.room.log, "%s: %d faults\n", name, len(found))
		if len(found) == 0 {
			passed++
			continue
		}
		faults = append(faults, name+"\n  "+strings.Join(found, "\n  "))
		if s.gone() || ctx.Err() != nil {
			return faults, passed
		}
	}
	return faults, passed
}

// step sends one request and lists what is wrong with the answer.
func (s *server) step(ctx context.Context, step planner.Step, known captures) []string {
	body, err := known.body(step.Body)
	if err != nil {
		return []string{err.Error()}
	}
	answer, content, err := s.send(ctx, step, known, body)
	if err != nil {
		return []string{s.why(err)}
	}
	var faults []string
	if answer.StatusCode != step.Status {
		faults = append(faults, fmt.Sprintf("expected status %d, got %d", step.Status, answer.StatusCode))
	}
	faults = append(faults, expectation(step, known, content)...)
	if len(faults) > 0 {
		if len(body) > 0 {
			faults = append(faults, "sent: "+bounded(body))
		}
		faults = append(faults, "answer: "+bounded(content))
	}
	return faults
}

// expectation compares the answer's content with what the step expects of it.
func expectation(step planner.Step, known captures, content []byte) []string {
	if want := known.text(step.ExpectText); want != "" && !strings.Contains(string(content), want) {
		return []string{fmt.Sprintf("expected the answer to contain %q", want)}
	}
	if len(step.Expect) == 0 {
		return nil
	}
	want, err := decode(step.Expect)
	if err != nil {
		return []string{"the expectation is not JSON: " + err.Error()}
	}
	got, err := decode(content)
	if err != nil {
		return []string{"expected JSON, got something else: " + err.Error()}
	}
	return known.match("answer", want, got)
}

// send sends one request over the server's own loopback and reads the answer whole.
func (s *server) send(ctx context.Context, step planner.Step, known captures, body []byte) (*http.Response, []byte, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, s.patience.answer, fmt.Errorf("no answer within %s", s.patience.answer))
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, step.Method, s.base+known.path(step.Path), bytes.NewReader(body))
	if err != nil {
		return nil, nil, fmt.Errorf("make request: %w", err)
	}
	if len(body) > 0 {
		request.Header.Set("Content-Type", "application/json")
	}
	for name, value := range step.Header {
		request.Header.Set(name, known.text(value))
	}
	response, err := s.client.Do(request)
	if err != nil {
		if cause := context.Cause(ctx); cause != nil {
			err = cause
		}
		return nil, nil, err
	}
	content, err := io.ReadAll(io.LimitReader(response.Body, mostAnswer))
	if cerr := response.Body.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return nil, nil, fmt.Errorf("read answer: %w", err)
	}
	return response, content, nil
}

// bounded is content in a fault.
func bounded(content []byte) string {
	const most = 1000
	text := strings.TrimSpace(strings.ToValidUTF8(string(content), "\uFFFD"))
	if len(text) > most {
		return strings.ToValidUTF8(text[:most], "") + "…"
	}
	if text == "" {
		return "(empty)"
	}
	return text
}
