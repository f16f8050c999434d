package offline

import (
	"sync"

	"github.com/seed-c331f47d/builder/internal/agent/offline/conversation"
)

// mostRemembered is how many specs' works are kept.
const mostRemembered = 8

// memory keeps the works of the last specs, as one build asks for the same one at every turn. It
// changes no answer: an author is deterministic.
type memory struct {
	author conversation.Author

	mu    sync.Mutex
	works []*remembered // most recently used last
}

type remembered struct {
	spec string
	work func() conversation.Work
}

// remember is author with a memory.
func remember(author conversation.Author) conversation.Author {
	return (&memory{author: author}).derive
}

// derive implements conversation.Author. An author that panics does so again for the same spec.
func (m *memory) derive(spec string) conversation.Work {
	return m.entry(spec).work()
}

// entry finds or makes the entry of spec and makes it the most recent.
func (m *memory) entry(spec string) *remembered {
	m.mu.Lock()
	defer m.mu.Unlock()
	for i, r := range m.works {
		if r.spec == spec {
			m.works = append(append(m.works[:i:i], m.works[i+1:]...), r)
			return r
		}
	}
	r := &remembered{spec: spec, work: sync.OnceValue(func() conversation.Work { return m.author(spec) })}
	if len(m.works) == mostRemembered {
		m.works = m.works[1:]
	}
	m.works = append(m.works, r)
	return r
}
