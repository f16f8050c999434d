package meter

import (
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
)

// check refuses a request that goes elsewhere than to the provider that was configured: it carries
// the key. Without a configured origin it refuses nothing.
func (t *Transport) check(req *http.Request) error {
	if t.Origin == "" {
		return nil
	}
	want, err := url.Parse(t.Origin)
	if err != nil || want.Host == "" {
		return unmetered("the configured origin is none")
	}
	if originOf(req.URL) != originOf(want) {
		return unmetered("%s is not the configured provider", clean(req.URL.Host))
	}
	if want.Scheme == "http" && !loopback(want.Hostname()) {
		return unmetered("a key is not sent over http to %s", clean(want.Host))
	}
	return nil
}

// originOf is scheme, host and port, in the form in which equal ones are equal texts.
func originOf(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	return u.Scheme + "://" + net.JoinHostPort(strings.ToLower(u.Hostname()), port)
}

// loopback says whether a host is this machine: its addresses, localhost, and names below it, which
// never leave a machine (RFC 6761).
func loopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.IsLoopback() || host == "localhost" || strings.HasSuffix(host, ".localhost")
}
