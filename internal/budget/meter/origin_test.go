package meter

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/seed-c331f47d/builder/internal/budget"
)

// The key goes to the configured provider and nowhere else, also on ways that cost nothing. Guards
// the check at the head of RoundTrip.
func TestTheKeyGoesToTheConfiguredHostOnly(t *testing.T) {
	t.Parallel()
	tests := []struct {
		origin, url string
		ok          bool
	}{
		{"https://api.example", "https://api.example/v1/messages", true},
		{"https://api.example/base", "https://API.example:443/v1/messages", true},
		{"https://api.example", "https://api.example:8443/v1/messages", false},
		{"https://api.example", "http://api.example/v1/messages", false},
		{"https://api.example", "https://evil.example/v1/messages", false},
		{"https://api.example", "https://api.example.evil/v1/messages", false},
		{"https://api.example", "https://evil.example/v1/models", false},
		{"http://api.example", "http://api.example/v1/messages", false},
		{"http://192.168.0.7:80", "http://192.168.0.7/v1/messages", false},
		{"http://127.0.0.1:8080", "http://127.0.0.1:8080/v1/messages", true},
		{"http://[::1]:8080", "http://[::1]:8080/v1/messages", true},
		{"http://localhost:8080", "http://localhost:8080/v1/messages", true},
		{"http://offline.localhost", "http://offline.localhost/v1/messages", true},
		{"http://localhost.evil", "http://localhost.evil/v1/messages", false},
		{"nowhere", "https://api.example/v1/messages", false},
		{"", "http://anywhere/v1/messages", true},
	}
	for _, tc := range tests {
		w, sent := newWorld(budget.Caps{USD: budget.Dollar}), 0
		door := w.door(roundTrip(func(req *http.Request) (*http.Response, error) {
			sent++
			return answering(200, "application/json", strings.NewReader(whole)).RoundTrip(req)
		}))
		door.Origin = tc.origin
		method, body := http.MethodPost, strings.NewReader(ask)
		if strings.HasSuffix(tc.url, "/models") {
			method = http.MethodGet
		}
		req, err := http.NewRequestWithContext(budget.WithCall(t.Context(), testCall(1)), method, tc.url, body)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := door.RoundTrip(req)
		if err == nil {
			resp.Body.Close()
		}
		if (err == nil) != tc.ok || (sent == 1) != tc.ok || !tc.ok && (!errors.Is(err, ErrUnmetered) || len(w.asks) > 0) {
			t.Errorf("%s, %s: %v, sent %d", tc.origin, tc.url, err, sent)
		}
	}
}
