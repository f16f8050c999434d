package gateway

import (
	"net/http"
	"strings"
)

// hop are the header fields of one connection, which are not passed on (RFC 9110, section 7.6.1),
// besides those that Connection names.
var hop = []string{
	"Connection", "Proxy-Connection", "Keep-Alive", "Proxy-Authenticate", "Proxy-Authorization", "Te", "Trailer", "Transfer-Encoding", "Upgrade",
}

// credentials are the header fields that carry a key.
var credentials = []string{"X-Api-Key", "Authorization", "Api-Key", "X-Goog-Api-Key", "Cookie"}

// passed are the fields of a message that go on.
func passed(h http.Header) http.Header {
	out := h.Clone()
	for _, list := range h.Values("Connection") {
		for name := range strings.SplitSeq(list, ",") {
			out.Del(strings.TrimSpace(name))
		}
	}
	for _, name := range hop {
		out.Del(name)
	}
	return out
}

// outgoing are the fields of a request as it leaves. With a key of ours nothing of the asker's own
// credentials goes on: ours goes where they stood, as an API key or as a bearer's token.
func outgoing(h http.Header, to family, key string) http.Header {
	out := passed(h)
	for _, name := range []string{"Host", "Content-Length", "Expect", "Accept-Encoding", "Forwarded", "X-Forwarded-For", TokenHeader} {
		out.Del(name)
	}
	if out.Get("User-Agent") == "" {
		out.Set("User-Agent", "") // none, rather than Go's own
	}
	if key == "" {
		return out
	}
	bearer := to == openAI || out.Get("Authorization") != ""
	plain := to == anthropic && (out.Get("X-Api-Key") != "" || !bearer)
	for _, name := range credentials {
		out.Del(name)
	}
	if plain {
		out.Set("X-Api-Key", key)
	}
	if bearer {
		out.Set("Authorization", "Bearer "+key)
	}
	return out
}
