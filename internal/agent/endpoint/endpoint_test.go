package endpoint_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/seed-c331f47d/builder/internal/agent/endpoint"
)

const secret = "sk-canary-0123456789"

// However a key is printed or encoded, it does not show.
func TestKeyNeverShows(t *testing.T) {
	t.Parallel()
	key := endpoint.Secret(secret)
	holder := struct {
		K      endpoint.Key
		hidden endpoint.Key
	}{key, key}
	raw, err := json.Marshal(holder)
	if err != nil {
		t.Fatal(err)
	}
	shown := string(raw)
	for _, verb := range []string{"%s", "%v", "%+v", "%#v", "%q", "%x", "%d", "%5.2s"} {
		shown += fmt.Sprintf(verb, key) + fmt.Sprintf(verb, holder) + fmt.Sprintf(verb, []endpoint.Key{key})
	}
	if strings.Contains(shown, "canary") || strings.Contains(shown, fmt.Sprintf("%x", "canary")) || !strings.Contains(shown, endpoint.Redacted) {
		t.Errorf("the key shows: %s", shown)
	}
	if key.Reveal() != secret || endpoint.Secret("") != (endpoint.Key{}) || (endpoint.Key{}).Reveal() != "" {
		t.Error("a key is not what it was made of")
	}
}

// Only an address that keeps a key to itself is taken, and an error repeats nothing of a secret one.
func TestCheck(t *testing.T) {
	t.Parallel()
	for base, ok := range map[string]bool{
		"https://example.com": true, "https://example.com/v1": true, "http://127.0.0.1:1": true, "http://[::1]:1/v1": true, "http://localhost:1": true, "http://offline.localhost": true,
		"http://example.com": false, "http://127.0.0.1.example.com": false, "http://localhost.example.com": false, "http://10.0.0.1": false, "ftp://example.com": false,
		"https://me:canary@example.com": false, "https://example.com?key=canary": false, "https://example.com/#canary": false, "https://": false, "": false, "https://canary\x7f": false,
	} {
		err := endpoint.Check(base)
		if (err == nil) != ok || err != nil && strings.Contains(err.Error(), "canary") {
			t.Errorf("%q: %v", base, err)
		}
	}
	for key, ok := range map[string]bool{"": true, secret: true, "a b": false, "a\r\nX: 1": false, "ключ": false} {
		if err := endpoint.CheckKey(endpoint.Secret(key)); (err == nil) != ok || err != nil && key != "" && strings.Contains(err.Error(), key) {
			t.Errorf("%q: %v", key, err)
		}
	}
}

func TestHide(t *testing.T) {
	t.Parallel()
	hide := endpoint.Hide("https://example.com/token", endpoint.Secret(secret))
	if got, want := hide.Replace("POST https://example.com/token/v1: bad key "+secret), "POST the provider/v1: bad key [redacted]"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := endpoint.Hide("https://example.com", endpoint.Key{}).Replace("as it is"); got != "as it is" {
		t.Errorf("got %q", got)
	}
}
