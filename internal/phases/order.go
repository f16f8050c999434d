package phases

import (
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/seed-c331f47d/builder/internal/budget"
	"github.com/seed-c331f47d/builder/internal/planner"
)

// OrderVerb is what a person orders a build to do.
type OrderVerb string

// The verbs of orders.
const (
	OrderPause    OrderVerb = "pause"    // no new call and no new effect begins; the process waits
	OrderContinue OrderVerb = "continue" // goes on after a pause
	OrderStop     OrderVerb = "stop"     // ends the process as a first Ctrl-C does
	OrderCap      OrderVerb = "cap"      // other caps, of the build or of a phase
	OrderNote     OrderVerb = "note"     // tells the agents something
	OrderAnswer   OrderVerb = "answer"   // answers the question of a task
)

// Points of a build at which orders take effect. An acknowledgement names the one of its order; the
// order's record is durable before it is acknowledged.
const (
	PointEffect = "next-effect" // pause: calls and effects that have begun end, no other begins
	PointNow    = "now"         // continue, stop
	PointCall   = "next-call"   // cap: counts for the next call that asks to be sent
	PointTurn   = "next-turn"   // note: stands in the next question of every attempt that it concerns
	PointTask   = "next-step"   // answer: the task goes on as soon as a worker is free
)

// Bounds of orders.
const (
	MaxOrderText = 8 << 10 // bytes of a note or an answer
	maxOrderID   = 64      // bytes
	maxOrders    = 2000    // of one build
)

// Order is what a person asks of a build. ID is chosen by whoever asks: the same order sent again
// under its ID is carried out once.
type Order struct {
	ID    string          `json:"id"`
	Verb  OrderVerb       `json:"verb"`
	Caps  *CapChange      `json:"caps,omitempty"`  // of cap
	Task  planner.TaskID  `json:"task,omitempty"`  // of answer; of note: "" means all tasks
	Text  string          `json:"text,omitempty"`  // of note and answer
	Phase planner.PhaseID `json:"phase,omitempty"` // of cap: "" means the build
}

// CapChange sets the caps it names; nil leaves one as it is. Tokens 0 takes the cap on tokens away.
type CapChange struct {
	USD    *budget.Micro `json:"usd,omitempty"`
	Tokens *int64        `json:"tokens,omitempty"`
}

// Ordered is the record of an order. What it does to money follows it as a record of its own, in the
// same transaction.
type Ordered struct {
	Order
	Step int `json:"step,omitempty"` // of answer: where in its attempt the question was asked
}

// Ack says that an order is durable, by the number of its record, and where it takes effect. It is
// the same whenever the same order is given again.
type Ack struct {
	ID    string    `json:"id"`
	Verb  OrderVerb `json:"verb"`
	Seq   uint64    `json:"seq"`
	Point string    `json:"point"`
	Time  time.Time `json:"time"`
}

// OrderError is an order that was not taken: nothing was recorded. The codes are stable.
type OrderError struct {
	Code string
	What string
	Hint string
}

// Error says code and what.
func (e *OrderError) Error() string { return e.Code + ": " + e.What }

// Codes of orders that were not taken.
const (
	CodeOrder      = "E_ORDER"       // it is not of the form of an order
	CodeOrderID    = "E_ORDER_ID"    // its id was used for another order
	CodeOrderFull  = "E_ORDER_FULL"  // this build has had too many
	CodeOrderState = "E_ORDER_STATE" // the build is not in a state for it
	CodeOrderTask  = "E_ORDER_TASK"  // there is no such task or phase, or it has no question
)

func orderError(code, hint, format string, args ...any) *OrderError {
	return &OrderError{Code: code, Hint: hint, What: fmt.Sprintf(format, args...)}
}

// check refuses what is no order, whatever the build.
func (o Order) check() error {
	if !validOrderID(o.ID) {
		return orderError(CodeOrder, "as in: o-7f3a", "an order's id is 1 to %d letters, digits, dots, hyphens and underscores", maxOrderID)
	}
	text := o.Verb == OrderNote || o.Verb == OrderAnswer
	switch {
	case o.Verb.point() == "":
		return orderError(CodeOrder, "the verbs are pause, continue, stop, cap, note and answer", "there is no order %q", clip(string(o.Verb), 40))
	case text && strings.TrimSpace(o.Text) == "":
		return orderError(CodeOrder, "say something", "the text is missing")
	case len(o.Text) > MaxOrderText:
		return orderError(CodeOrder, "put long texts into the spec", "the text has %d bytes, at most %d are taken", len(o.Text), MaxOrderText)
	case !text && o.Text != "", (o.Verb == OrderCap) != (o.Caps != nil), o.Verb != OrderCap && o.Phase != "", !text && o.Task != "":
		return orderError(CodeOrder, "see docs/control.md", "%s does not take what was given with it", o.Verb)
	case o.Verb == OrderAnswer && o.Task == "":
		return orderError(CodeOrder, "tasks with questions stand in: builder status", "the task whose question is answered is missing")
	case o.Caps != nil && o.Caps.USD == nil && o.Caps.Tokens == nil:
		return orderError(CodeOrder, "as in: --max-cost 20", "neither a cap on money nor one on tokens is given")
	case o.Caps != nil && (o.Caps.USD != nil && *o.Caps.USD < 0 || o.Caps.Tokens != nil && *o.Caps.Tokens < 0):
		return orderError(CodeOrder, "as in: --max-cost 20", "a cap cannot be negative")
	}
	return nil
}

// point is where orders of a verb take effect; "" for what is no verb.
func (v OrderVerb) point() string {
	switch v {
	case OrderPause:
		return PointEffect
	case OrderContinue, OrderStop:
		return PointNow
	case OrderCap:
		return PointCall
	case OrderNote:
		return PointTurn
	case OrderAnswer:
		return PointTask
	}
	return ""
}

// Alone says whether an order makes sense while no process works on the build.
func (v OrderVerb) Alone() bool { return v == OrderCap || v == OrderNote || v == OrderAnswer }

func validOrderID(id string) bool {
	if id == "" || len(id) > maxOrderID {
		return false
	}
	for _, r := range id {
		if (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("._-", r) {
			return false
		}
	}
	return true
}

// plain is the order with its text as it is kept: valid UTF-8 without control characters, but for
// line breaks and tabs.
func (o Order) plain() Order {
	o.Text = strings.TrimSpace(strings.Map(func(r rune) rune {
		if r == '\n' || r == '\t' {
			return r
		}
		if r == utf8.RuneError || unicode.IsControl(r) {
			return -1
		}
		return r
	}, strings.ReplaceAll(o.Text, "\r\n", "\n")))
	return o
}

// sum is over all that an order asks for.
func (o Order) sum() string {
	parts := []string{string(o.Verb), string(o.Phase), string(o.Task), o.Text, "", ""}
	if o.Caps != nil && o.Caps.USD != nil {
		parts[4] = fmt.Sprint(int64(*o.Caps.USD))
	}
	if o.Caps != nil && o.Caps.Tokens != nil {
		parts[5] = fmt.Sprint(*o.Caps.Tokens)
	}
	return sumOf(parts...)
}
