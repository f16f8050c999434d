package offline

import (
	"encoding/json"
	"fmt"
	"net/http"
)

// failure is an answer that is an error, in the words of the Anthropic API.
type failure struct {
	status        int
	kind, message string
}

// Error words the failure for logs and tests.
func (f *failure) Error() string { return fmt.Sprintf("%d %s: %s", f.status, f.kind, f.message) }

// invalid is a request that can never succeed as it is.
func invalid(format string, args ...any) *failure {
	return &failure{http.StatusBadRequest, "invalid_request_error", fmt.Sprintf(format, args...)}
}

// notFound is a model or a path that is not there.
func notFound(format string, args ...any) *failure {
	return &failure{http.StatusNotFound, "not_found_error", fmt.Sprintf(format, args...)}
}

// refuse writes f in the shape of the Anthropic API.
func refuse(w http.ResponseWriter, requestID string, f *failure) {
	type detail struct {
		Type    string `json:"type"`
		Message string `json:"message"`
	}
	body := struct {
		Type      string `json:"type"`
		Error     detail `json:"error"`
		RequestID string `json:"request_id"`
	}{"error", detail{f.kind, f.message}, requestID}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(f.status)
	// The reader may be gone; there is nobody left to tell.
	_ = json.NewEncoder(w).Encode(body)
}

// at puts the place of the fault before the message.
func (f *failure) at(format string, args ...any) *failure {
	return &failure{f.status, f.kind, fmt.Sprintf(format, args...) + "." + f.message}
}
