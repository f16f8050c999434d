package claudecode

import (
	"sync"
	"sync/atomic"
)

// turnState is what is known of the turns. How many messages make a turn is not known: the CLI puts one that is sent while
// a tool runs into the turn that runs. So a result ends all that was sent before it, and an init line begins what is left.
type turnState struct {
	id    atomic.Value // string
	begun func()       // called when a message is sent

	mu      sync.Mutex
	pending bool    // something was sent since the last result
	began   bool    // an init line came since the last result
	last    *Result // of the turn that ended last; nil once the next one began
	said    string  // error of the last assistant line of the turn
	busy    map[string]bool
}

// sent notes that a message goes out.
func (t *turnState) sent() {
	t.mu.Lock()
	t.pending = true
	t.mu.Unlock()
	t.begun()
}

// open says whether a turn has no result yet. The caller holds mu.
func (t *turnState) open() bool { return t.pending || t.began }

// running says whether a turn is on.
func (t *turnState) running() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.open()
}

// drained says whether no turn runs, and no task that will begin one.
func (t *turnState) drained() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return !t.open() && len(t.busy) == 0
}

// note keeps count of turns and tasks.
func (t *turnState) note(m Message) {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch m := m.(type) {
	case *Init:
		t.began, t.last, t.said = true, nil, ""
		if m.SessionID != "" {
			t.id.Store(m.SessionID)
		}
	case *Assistant:
		if m.ParentToolUseID == "" {
			t.said = m.Error
		}
	case *Result:
		m.AssistantError = t.said
		t.last, t.began, t.pending = m, false, false
	case *TaskStarted:
		if m.TaskType == "local_agent" || m.TaskType == "local_workflow" {
			if t.busy == nil {
				t.busy = map[string]bool{}
			}
			t.busy[m.TaskID] = true
		}
	case *TaskUpdated:
		if m.Terminal() {
			delete(t.busy, m.TaskID)
		}
	case *TaskNotification:
		delete(t.busy, m.TaskID)
	}
}
