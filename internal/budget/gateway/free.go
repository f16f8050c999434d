package gateway

import (
	"encoding/json"
	"errors"
	"net/http"
	"slices"
)

// pass hands on what costs nothing.
func (t *Ticket) pass(f *flight, out *http.Request, to route, p Provider) error {
	resp, err := t.door(p, &purse{ticket: t, asker: f.asker}).RoundTrip(out)
	if err != nil {
		return t.unserved(f, to, err)
	}
	_, err = relay(f, resp)
	return err
}

// unserved answers a free request that brought nothing.
func (t *Ticket) unserved(f *flight, to route, err error) error {
	if f.ctx.Err() != nil {
		return errCut
	}
	return t.refused(f, to, &purse{}, err)
}

// noCount are the statuses of a provider that does not count tokens.
var noCount = []int{http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusNotImplemented}

// count has the tokens of a call counted, which is free. Where the provider does not know how, the
// answer is a guess from the size.
func (t *Ticket) count(f *flight, out *http.Request, to route, p Provider, body []byte) error {
	resp, err := t.door(p, &purse{ticket: t, asker: f.asker}).RoundTrip(out)
	if err != nil {
		return t.unserved(f, to, err)
	}
	if !slices.Contains(noCount, resp.StatusCode) {
		_, err = relay(f, resp)
		return err
	}
	if err := resp.Body.Close(); err != nil {
		t.gw.warn(err)
	}
	raw, err := json.Marshal(map[string]int{"input_tokens": (len(body) + 3) / 4})
	if err != nil {
		return errors.Join(errCut, err)
	}
	f.out.Header().Set("Content-Type", "application/json")
	f.out.WriteHeader(http.StatusOK)
	_, _ = f.out.Write(raw) // an asker that went away has nobody to tell
	return nil
}
