package planner

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
)

// maxAnswerBytes bounds an answer that is read.
const maxAnswerBytes = 4 << 20

// answer is what the model is asked for.
type answer struct {
	Project Project         `json:"project"`
	Setup   []Setup         `json:"setup"`
	Phases  []Phase         `json:"phases"`
	Shared  []string        `json:"shared"`
	Gates   []Gate          `json:"gates"`
	Budget  json.RawMessage `json:"budget"` // not used: a model sets no caps
}

// decodeAnswer reads an answer strictly. Words or a code fence around the object are left out, as
// models without structured output add them.
func decodeAnswer(raw []byte) (answer, error) {
	var a answer
	if len(raw) > maxAnswerBytes {
		return a, fmt.Errorf("read answer: more than %d bytes", maxAnswerBytes)
	}
	begin, end := bytes.IndexByte(raw, '{'), bytes.LastIndexByte(raw, '}')
	if begin < 0 || end < begin {
		return a, errors.New("read answer: it holds no JSON object")
	}
	dec := json.NewDecoder(bytes.NewReader(raw[begin : end+1]))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&a); err != nil {
		return answer{}, fmt.Errorf("read answer, byte %d: %w", int64(begin)+dec.InputOffset(), err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return answer{}, errors.New("read answer: more follows the JSON object")
	}
	return a, nil
}

// prefixIDs makes the ids that an answer for one part defines differ from those of other parts. Ids
// that it only refers to stay: they are those of earlier parts, of acceptance, or unknown.
func (a *answer) prefixIDs(prefix string) {
	tasks, gates := map[TaskID]bool{}, map[GateID]bool{}
	for i := range a.Gates {
		if g := &a.Gates[i]; !isAcceptance(g.ID) {
			gates[g.ID] = true
			g.ID = GateID(prefix) + g.ID
		}
	}
	for _, ph := range a.Phases {
		for _, t := range ph.Tasks {
			tasks[t.ID] = true
		}
	}
	for i := range a.Phases {
		ph := &a.Phases[i]
		ph.ID = PhaseID(prefix) + ph.ID
		for j := range ph.Tasks {
			t := &ph.Tasks[j]
			t.ID = TaskID(prefix) + t.ID
			for k, n := range t.Needs {
				if tasks[n] {
					t.Needs[k] = TaskID(prefix) + n
				}
			}
			for k, g := range t.Gates {
				if gates[g] {
					t.Gates[k] = GateID(prefix) + g
				}
			}
		}
	}
}

// isAcceptance tells the ids that the spec's own gates have.
func isAcceptance(id GateID) bool { return strings.HasPrefix(string(id), "acceptance-") }
