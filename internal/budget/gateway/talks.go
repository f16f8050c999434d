package gateway

import (
	"slices"
	"sync"

	"github.com/seed-c331f47d/builder/internal/budget"
)

// maxTalks is how many conversations are remembered: one for each asker behind a ticket, and some.
const maxTalks = 16

// talks remember what answers billed, so that the hold of the next call of a conversation rests on
// that, and on bytes only for what is new.
//
// The rule is: a call goes on with a conversation when everything but the messages is the same, and
// the messages begin with all that were there.
type talks struct {
	mu    sync.Mutex
	known []talk // the newest first
}

type talk struct {
	frame  string
	turns  []turnPrint
	bytes  int64 // of the request
	tokens int64 // input of all classes, and output
}

// know adds to a call what is known of its beginning.
func (k *talks) know(call *budget.Call, q question) {
	k.mu.Lock()
	defer k.mu.Unlock()
	best := 0
	for _, t := range k.known {
		if n := len(t.turns); n > best && t.frame == q.frame && n <= len(q.turns) && slices.Equal(t.turns, q.turns[:n]) {
			best = n
			call.PrefixTokens, call.PrefixBytes, call.NewMessages = t.tokens, t.bytes, len(q.turns)-n
		}
	}
}

// learn remembers an answer.
func (k *talks) learn(q question, size int64, u budget.Usage) {
	if len(q.turns) == 0 || u.InputAll() == 0 {
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	t := talk{frame: q.frame, turns: q.turns, bytes: size, tokens: u.Tokens()}
	k.known = slices.DeleteFunc(k.known, func(old talk) bool { // it goes on with that one
		return old.frame == t.frame && len(old.turns) <= len(t.turns) && slices.Equal(old.turns, t.turns[:len(old.turns)])
	})
	k.known = slices.Insert(k.known, 0, t)
	k.known = k.known[:min(len(k.known), maxTalks)]
}
