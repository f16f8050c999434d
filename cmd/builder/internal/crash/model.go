package crash

import "net/http"

// Model answers builder's calls over a wire that builder speaks, and keeps a bill of its own, which
// knows nothing of ops and holds. The same body MUST be given the same answer.
type Model interface {
	http.Handler
	Charges() []Charge
}

// Charge is one request that was billed when it arrived, whether or not its answer was heard.
type Charge struct {
	Body     string // SHA-256 of the request's body
	Question string // the same for the same question, whatever limits and marks the body has
	Task     string
	Cost     int64 // in micro-dollars
}

// ModelName is who builder takes the model for: its list price is what the models bill.
const ModelName = "claude-sonnet-5-5"
