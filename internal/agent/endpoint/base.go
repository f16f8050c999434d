package endpoint

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
)

// Check refuses a base URL that would carry a key in the clear, or holds a secret itself: it wants
// https, or http on the loopback, with host and path only. Its errors never repeat the address.
func Check(base string) error {
	u, err := url.Parse(base)
	switch {
	case err != nil:
		return errors.New("the base URL cannot be read") // the error would repeat it
	case u.User != nil || u.RawQuery != "" || u.Fragment != "" || u.Host == "":
		return fmt.Errorf("base URL of host %q: want scheme, host and path only", u.Hostname())
	case u.Scheme == "https", u.Scheme == "http" && loopback(u.Hostname()):
		return nil
	}
	return fmt.Errorf("base URL of host %q: want https, or http on loopback", u.Hostname())
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || strings.HasSuffix(host, ".localhost") || ip != nil && ip.IsLoopback()
}

// CheckKey refuses a key that no header can carry.
func CheckKey(k Key) error {
	if strings.ContainsFunc(k.Reveal(), func(r rune) bool { return r <= ' ' || r > '~' }) {
		return errors.New("the key holds characters that no key has")
	}
	return nil
}

// Hide replaces the address and the key in foreign text.
func Hide(base string, key Key) *strings.Replacer {
	hide := []string{base, "the provider"}
	if k := key.Reveal(); k != "" {
		hide = append(hide, k, Redacted)
	}
	return strings.NewReplacer(hide...)
}
