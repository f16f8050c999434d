package gateway

import (
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/seed-c331f47d/builder/internal/budget/meter"
)

// slowReader is how long an asker may leave what it was sent unread.
const slowReader = time.Minute

// relay hands an answer on as it comes, and reads it to its end also where nobody takes it. whole says
// that the asker got all of it. An answer that is cut is errCut: it must not look whole.
func relay(f *flight, resp *http.Response) (whole bool, err error) {
	defer func() {
		if cerr := resp.Body.Close(); err == nil && cerr != nil && !whole {
			err = errCut
		}
	}()
	h := f.out.Header()
	for name, values := range passed(resp.Header) {
		h[name] = values
	}
	h.Del("Content-Length") // so that an asker sees the end once all is noted, and not before
	to := taker{f: f, ctl: http.NewResponseController(f.out)}
	f.out.WriteHeader(resp.StatusCode)
	to.flush()
	buf := make([]byte, 16<<10)
	for {
		n, err := resp.Body.Read(buf)
		to.write(buf[:n])
		switch {
		case errors.Is(err, io.EOF):
			to.flush()
			return !to.lost && !f.lost(), nil
		case errors.Is(err, meter.ErrFailed):
			return false, nil // the provider has said so itself, in the stream
		case err != nil:
			return false, errCut
		}
	}
}

// taker writes to an asker until it goes away.
type taker struct {
	f    *flight
	ctl  *http.ResponseController
	lost bool
}

func (t *taker) write(p []byte) {
	if len(p) == 0 || t.lost {
		return
	}
	_ = t.ctl.SetWriteDeadline(time.Now().Add(slowReader)) // one without deadlines does not block
	_, err := t.f.out.Write(p)
	t.lost = err != nil
	t.flush()
}

func (t *taker) flush() {
	if !t.lost {
		t.lost = t.ctl.Flush() != nil
	}
}

// again hands on an answer that is on record.
func (t *Ticket) again(f *flight, e *entry, to route) error {
	delivered := false
	defer func() { t.book.end(e, delivered) }()
	body, err := t.gw.set.Blobs.Get(f.ctx, e.answer)
	if err != nil {
		t.fail(err)
		t.broke(f, to, err)
		return nil
	}
	h := f.out.Header()
	h.Set("Content-Type", e.kind)
	take := taker{f: f, ctl: http.NewResponseController(f.out)}
	f.out.WriteHeader(http.StatusOK)
	take.write(body)
	take.flush()
	if delivered = !take.lost && !f.lost(); delivered {
		t.note(func(c *Counts) { c.Delivered++ })
		t.gw.warn(t.gw.set.Ledger.Deliver(f.ctx, e.op))
	}
	return nil
}
