package failuretest

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"syscall"
	"testing"
)

// ErrLost stands for the transport's word that an answer was lost on the way.
var ErrLost = errors.New("answer is incomplete")

// ErrProtocol stands for an adapter's finding that what came is no answer.
var ErrProtocol = errors.New("the answer has no stop reason")

// Error is the error that the row names, as net/http gives it; nil when it names none.
func (r Row) Error(t testing.TB) error {
	t.Helper()
	if r.Err == "" {
		return nil
	}
	for _, table := range []map[string]error{dialing(), talking()} {
		if err, ok := table[r.Err]; ok {
			return err
		}
	}
	t.Fatalf("row %s: no error is named %q", r.Name, r.Err)
	return nil
}

func op(what string, err error) error {
	return &net.OpError{Op: what, Net: "tcp", Err: err}
}

func call(name string, errno syscall.Errno) error {
	return os.NewSyscallError(name, errno)
}

// dialing are errors before anything was sent.
func dialing() map[string]error {
	return map[string]error{
		"refused":           op("dial", call("connect", syscall.ECONNREFUSED)),
		"unreachable":       op("dial", call("connect", syscall.ENETUNREACH)),
		"dial-timeout":      op("dial", os.ErrDeadlineExceeded),
		"dns":               op("dial", &net.DNSError{Err: "no such host", Name: "api.example.com", IsNotFound: true}),
		"dns-timeout":       op("dial", &net.DNSError{Err: "i/o timeout", Name: "api.example.com", IsTimeout: true}),
		"tls-expired":       &tls.CertificateVerificationError{Err: x509.CertificateInvalidError{Reason: x509.Expired}},
		"tls-unknown":       &tls.CertificateVerificationError{Err: x509.UnknownAuthorityError{}},
		"tls-alert":         op("remote error", tls.AlertError(40)),
		"tls-not-tls":       tls.RecordHeaderError{Msg: "first record does not look like a TLS handshake"},
		"handshake-timeout": errors.New("net/http: TLS handshake timeout"),
		"proxy-connect":     &net.OpError{Op: "proxyconnect", Net: "tcp", Err: call("connect", syscall.ECONNREFUSED)},
		"proxy-407":         errors.New("Proxy Authentication Required"),
		"proxy-502":         errors.New("Bad Gateway"),
	}
}

// talking are errors after the request had begun to leave.
func talking() map[string]error {
	return map[string]error{
		"reset":              op("read", call("read", syscall.ECONNRESET)),
		"broken-pipe":        op("write", call("write", syscall.EPIPE)),
		"eof":                io.EOF,
		"unexpected-eof":     io.ErrUnexpectedEOF,
		"read-timeout":       op("read", os.ErrDeadlineExceeded),
		"header-timeout":     errors.New("net/http: timeout awaiting response headers"),
		"server-closed-idle": errors.New("http: server closed idle connection"),
		"http2-goaway":       errors.New(`http2: server sent GOAWAY and closed the connection; LastStreamID=1, ErrCode=NO_ERROR, debug=""`),
		"http2-refused":      errors.New("stream error: stream ID 3; REFUSED_STREAM; received from peer"),
		"http2-stream":       errors.New("stream error: stream ID 3; INTERNAL_ERROR; received from peer"),
		"malformed-response": errors.New(`malformed HTTP response "hello"`),
		"lost":               fmt.Errorf("read answer of x: %w: %w", ErrLost, context.DeadlineExceeded),
		"protocol":           ErrProtocol,
	}
}
