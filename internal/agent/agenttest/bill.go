package agenttest

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"sync"
)

// Bill is a serving side's own count of what it did, for whoever wants to hold it against another's
// books. It knows nothing of ops, holds and attempts.
type Bill struct {
	Charges  []Charge `json:"charges"` // in the order of arrival
	Cost     int64    `json:"cost_microusd"`
	Answered int64    `json:"answered"` // answers written to the end
	Refused  int64    `json:"refused"`  // requests answered with an error; these cost nothing
	// Repeated counts the charges whose question had been answered to the end before.
	Repeated int64 `json:"repeated"`
	Peak     int   `json:"peak"` // the most answers under way at once
}

// Charge is one request that was billed.
type Charge struct {
	N        int    `json:"n"`        // from 1, by arrival
	Body     string `json:"body"`     // SHA-256 of the request's body
	Question string `json:"question"` // the same for the same question, whatever max_tokens, stream and marks are
	Task     string `json:"task"`
	Turn     int    `json:"turn"` // answers before it in its conversation
	Model    string `json:"model"`
	Input    int64  `json:"input_tokens"`
	Output   int64  `json:"output_tokens"`
	Cost     int64  `json:"cost_microusd"`      // at list price
	Answered bool   `json:"answered,omitempty"` // written to the end
	Repeat   bool   `json:"repeat,omitempty"`   // counted in Bill.Repeated
}

// Total is the cost of the charges that keep says; nil keeps all.
func (b Bill) Total(keep func(Charge) bool) int64 {
	var sum int64
	for _, c := range b.Charges {
		if keep == nil || keep(c) {
			sum += c.Cost
		}
	}
	return sum
}

// book is a Bill that is being written. Charges are only ever added.
type book struct {
	mu     sync.Mutex
	bill   Bill
	done   map[string]bool // questions that were answered to the end
	flying int
}

// add bills c and returns its number.
func (b *book) add(c Charge, journal io.Writer) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	c.N, c.Repeat = len(b.bill.Charges)+1, b.done[c.Question]
	if c.Repeat {
		b.bill.Repeated++
	}
	b.bill.Charges = append(b.bill.Charges, c)
	b.bill.Cost += c.Cost
	b.flying++
	b.bill.Peak = max(b.bill.Peak, b.flying)
	tell(journal, c)
	return c.N
}

// leave ends an answer, heard or not.
func (b *book) leave() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.flying--
}

// answered notes that the answer of charge n was written to the end.
func (b *book) answered(n int, journal io.Writer) {
	b.mu.Lock()
	defer b.mu.Unlock()
	c := &b.bill.Charges[n-1]
	c.Answered = true
	if b.done == nil {
		b.done = map[string]bool{}
	}
	b.done[c.Question] = true
	b.bill.Answered++
	tell(journal, *c)
}

func (b *book) refuse() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.bill.Refused++
}

func (b *book) report() Bill {
	b.mu.Lock()
	defer b.mu.Unlock()
	r := b.bill
	r.Charges = append([]Charge{}, b.bill.Charges...)
	return r
}

// tell writes a charge to the journal. A bill that cannot be kept is no bill.
func tell(journal io.Writer, c Charge) {
	if journal == nil {
		return
	}
	if _, err := fmt.Fprintf(journal, "%s\n", encode(c)); err != nil {
		panic(fmt.Sprintf("write the bill: %v", err))
	}
}

func sum(raw []byte) string {
	h := sha256.Sum256(raw)
	return hex.EncodeToString(h[:])
}
