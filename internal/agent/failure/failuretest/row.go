package failuretest

import (
	_ "embed" // for the table
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"github.com/seed-c331f47d/builder/internal/agent"
	"github.com/seed-c331f47d/builder/internal/agent/failure"
)

// Noon is the time at which the rows happen.
func Noon() time.Time { return time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC) }

//go:embed rows.json
var table []byte

// Row is one thing that goes wrong.
type Row struct {
	Name   string            `json:"name"`
	Family string            `json:"family"` // anthropic, openai, or both
	At     failure.Position  `json:"at"`
	Status int               `json:"status"`
	Header map[string]string `json:"header"`
	Body   string            `json:"body"` // of the response; at "stream" the data of the event that carries the error
	Err    string            `json:"err"`  // names the machine's error, see [Row.Error]
	Class  agent.Class       `json:"class"`
	Cause  agent.Cause       `json:"cause"`
	After  string            `json:"after"` // the wait that is stated, as a duration
	Tries  int               `json:"tries"`
}

// Rows is the table; with a family only the rows that it has.
func Rows(t testing.TB, family string) []Row {
	t.Helper()
	var all, some []Row
	if err := json.Unmarshal(table, &all); err != nil {
		t.Fatalf("read rows: %v", err)
	}
	for _, r := range all {
		if family == "" || r.Family == family || r.Family == "both" {
			some = append(some, r)
		}
	}
	if len(some) < 50 {
		t.Fatalf("only %d rows for %q", len(some), family)
	}
	return some
}

// Head is the headers of the response.
func (r Row) Head() http.Header {
	h := http.Header{}
	for name, v := range r.Header {
		h.Set(name, v)
	}
	if h.Get("Content-Type") == "" {
		h.Set("Content-Type", "application/json")
	}
	return h
}

// Wait is the wait that is stated, 0 for none.
func (r Row) Wait(t testing.TB) time.Duration {
	t.Helper()
	if r.After == "" {
		return 0
	}
	d, err := time.ParseDuration(r.After)
	if err != nil {
		t.Fatalf("row %s: %v", r.Name, err)
	}
	return d
}
