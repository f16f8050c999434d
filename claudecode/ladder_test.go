package claudecode_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-c331f47d/builder/claudecode"
)

// puppet is a process that is none: it answers initialize, notes what is done to it and when, and ends at the step that end names.
type puppet struct {
	begin time.Time
	mu    sync.Mutex
	end   string
	steps []string

	in                *io.PipeReader
	stdin, out, outer *io.PipeWriter
	stdout, stderr    *io.PipeReader
	exited            chan claudecode.Exit
}

func (p *puppet) launch(context.Context, claudecode.Command) (claudecode.Process, error) {
	p.in, p.stdin = io.Pipe()
	p.stdout, p.out = io.Pipe()
	p.stderr, p.outer = io.Pipe()
	p.exited = make(chan claudecode.Exit, 1)
	go func() {
		lines := bufio.NewReader(p.in)
		for {
			raw, err := lines.ReadBytes('\n')
			if err != nil {
				p.step("eof")
				return
			}
			var m struct {
				ID string `json:"request_id"`
			}
			if json.Unmarshal(raw, &m) == nil && m.ID != "" {
				fmt.Fprintf(p.out, `{"type":"control_response","response":{"subtype":"success","request_id":%q}}`+"\n", m.ID)
			}
		}
	}()
	return p, nil
}

func (p *puppet) step(name string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.steps = append(p.steps, fmt.Sprintf("%s@%s", name, time.Since(p.begin)))
	if name == p.end {
		p.out.Close()
		p.outer.Close()
		p.exited <- claudecode.Exit{}
	}
}

func (p *puppet) Stdin() io.WriteCloser { return p.stdin }
func (p *puppet) Stdout() io.ReadCloser { return p.stdout }
func (p *puppet) Stderr() io.ReadCloser { return p.stderr }
func (p *puppet) Wait() claudecode.Exit { return <-p.exited }
func (p *puppet) Signal(s os.Signal) error {
	p.step(s.String())
	return nil
}

// T30: close goes down step by step, a grace apart, and no further than it must.
func TestCloseLadder(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		end, want string
		turn      bool
		err       bool
	}{
		{end: "eof", want: "eof@0s"},
		{end: "interrupt", want: "eof@0s interrupt@5s"},
		{end: "terminated", want: "eof@0s interrupt@5s terminated@10s"},
		{end: "killed", want: "eof@0s interrupt@5s terminated@10s killed@15s"},
		{end: "interrupt", want: "eof@0s interrupt@0s", turn: true}, // a turn would go on, and cost
		{end: "killed", want: "eof@0s interrupt@0s terminated@5s killed@10s", turn: true},
		{end: "never", want: "eof@0s interrupt@5s terminated@10s killed@15s", err: true}, // what is stuck in the kernel
	} {
		t.Run(fmt.Sprint(c.end, c.turn), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				p := &puppet{end: c.end, begin: time.Now()}
				s, err := claudecode.Start(t.Context(), claudecode.Options{Launch: p.launch})
				if err != nil {
					t.Fatal(err)
				}
				if c.turn {
					if err := s.Send(t.Context(), "go"); err != nil {
						t.Fatal(err)
					}
				}
				err = s.Close()
				var late *claudecode.TimeoutError
				if errors.As(err, &late) != c.err || !c.err && (err != nil || s.Err() != nil) {
					t.Errorf("got %v, %v", err, s.Err())
				}
				if c.err { // let it go after all
					p.out.Close()
					p.outer.Close()
					p.exited <- claudecode.Exit{}
					<-s.Done()
				}
				if err := s.Close(); err != nil {
					t.Errorf("closed again: %v", err)
				}
				synctest.Wait()
				p.mu.Lock()
				defer p.mu.Unlock()
				got := p.steps
				if c.turn && len(got) > 1 && strings.HasPrefix(got[1], "eof") {
					got[0], got[1] = got[1], got[0] // these two come together
				}
				if got := strings.Join(got, " "); got != c.want {
					t.Errorf("got %s, want %s", got, c.want)
				}
			})
		})
	}
}
