package failure

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"syscall"
)

// Strip takes the address, which may hold a token, from the outside of an error of net/http.
func Strip(err error) error {
	for {
		away, ok := err.(*url.Error) //nolint:errorlint // only the outermost: others may be joined inside
		if !ok {
			return err
		}
		err = away.Err
	}
}

// Network says whether err is of the network, or of a proxy on the way, rather than of the
// transport's own making.
func Network(err error) bool {
	var (
		op     *net.OpError
		dns    *net.DNSError
		record tls.RecordHeaderError
		alert  tls.AlertError
		cert   *tls.CertificateVerificationError
		slow   net.Error
	)
	switch {
	case err == nil:
		return false
	case errors.As(err, &op), errors.As(err, &dns), errors.As(err, &record), errors.As(err, &alert), errors.As(err, &cert):
		return true
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF), errors.Is(err, net.ErrClosed),
		errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE), errors.Is(err, syscall.ECONNREFUSED):
		return true
	case errors.As(err, &slow) && slow.Timeout():
		return true
	}
	return httpOwn(err) || proxyStatus(err) != 0
}

// httpOwn knows the errors of net/http that have no type, by how they begin.
func httpOwn(err error) bool {
	return within(err, func(err error) bool {
		for _, prefix := range []string{
			"net/http: ", "http2: ", "http: server ", "tls: ", "x509: ", "stream error: ", "connection error: ",
			"malformed HTTP ", "proxyconnect ", "unexpected EOF", "bad gzip", "gzip: ",
		} {
			if strings.HasPrefix(err.Error(), prefix) {
				return true
			}
		}
		return false
	})
}

// proxyStatus is the status with which a proxy refused to connect: net/http makes an error of its
// text alone. It is 0 for any other error.
func proxyStatus(err error) int {
	found := 0
	within(err, func(err error) bool {
		for status := http.StatusBadRequest; status <= http.StatusNetworkAuthenticationRequired; status++ {
			if text := http.StatusText(status); text != "" && err.Error() == text {
				found = status
			}
		}
		return found != 0
	})
	return found
}

// within looks for an error that is ok in err and all that it wraps, joined errors included.
func within(err error, ok func(error) bool) bool {
	if err == nil {
		return false
	}
	if ok(err) {
		return true
	}
	switch w := err.(type) { //nolint:errorlint // the walk itself
	case interface{ Unwrap() error }:
		return within(w.Unwrap(), ok)
	case interface{ Unwrap() []error }:
		for _, e := range w.Unwrap() {
			if within(e, ok) {
				return true
			}
		}
	}
	return false
}
