package gateway

import (
	"net/http"
	"net/url"
	"strings"
)

// prefix begins every path but the root's.
const prefix = "/t/"

// TokenHeader is the field in which a token may come instead of in the path: below [Ticket.Bare].
const TokenHeader = "X-Builder-Ticket"

// bare stands in a path for a token that comes in a field.
const bare = "-"

// family is an API, with the shape of its errors.
type family int

const (
	openAI family = iota
	anthropic
)

// deed is what is done with a request.
type deed int

const (
	refuse  deed = iota // nothing that is known
	probe               // somebody looks whether the gateway is there
	count               // tokens of a call are to be counted
	pass                // it is free, and passes as it is
	metered             // a model call
)

// route is where a request goes.
type route struct {
	family family
	deed   deed
	path   string // below the provider's address
}

// split takes the token out of a request.
func split(r *http.Request) (token, rest string, ok bool) {
	after, ok := strings.CutPrefix(r.URL.Path, prefix)
	if !ok || r.URL.RawPath != "" {
		return "", r.URL.Path, false
	}
	token, rest, _ = strings.Cut(after, "/")
	if token == bare {
		token = r.Header.Get(TokenHeader)
	}
	return token, "/" + rest, true
}

// routeOf says what a request below a ticket's address is.
func routeOf(r *http.Request, rest string) route {
	if strings.HasPrefix(rest, "/messages") { // some libraries take the version for a part of the base address
		rest = "/v1" + rest
	}
	to := route{path: rest}
	if strings.HasPrefix(rest, "/v1/messages") || r.Header.Get("Anthropic-Version") != "" {
		to.family = anthropic
	}
	reads := r.Method == http.MethodGet || r.Method == http.MethodHead
	posts := r.Method == http.MethodPost
	short := strings.TrimPrefix(rest, "/v1")
	switch {
	case reads && rest == "/":
		to.deed = probe
	case posts && rest == "/v1/messages":
		to.deed = metered
	case posts && rest == "/v1/messages/count_tokens":
		to.deed = count
	case posts && (short == "/chat/completions" || short == "/responses"):
		to.family, to.deed = openAI, metered
	case reads && (short == "/models" || strings.HasPrefix(short, "/models/") && strings.Count(short, "/") == 2):
		to.deed = pass
	}
	return to
}

// address is where a request goes at a provider. OpenAI's paths stand below an address that has a path
// of its own, as in https://host/openai/v1, and below /v1 of any other.
func (to route) address(base, query string) (*url.URL, error) {
	u, err := url.Parse(base)
	if err != nil {
		return nil, err
	}
	path := to.path
	if to.family == openAI {
		path = strings.TrimPrefix(path, "/v1")
		if strings.Trim(u.Path, "/") == "" {
			path = "/v1" + path
		}
	}
	u.Path, u.RawPath, u.RawQuery = strings.TrimSuffix(u.Path, "/")+path, "", query
	return u, nil
}
