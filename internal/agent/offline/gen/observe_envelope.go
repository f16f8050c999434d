package gen

import (
	"encoding/json"
	"strconv"
	"strings"
)

// The rules are:
//   - Errors may stand in an object of their own, {"error":{"code":"not_found","message":"…"}}: it is
//     known by a code or a message inside. What else is in it is read as if it stood outside.
//   - A code belongs to a status. Statuses without an example have the usual one.

// unwrap takes the answer of a refusal out of its envelope and keeps what the envelope shows.
func (o *observer) unwrap(x example) example {
	if len(x.want) != 1 {
		return x
	}
	for _, key := range sortedKeys(x.want) {
		inner, ok := x.want[key].(map[string]any)
		if !ok || inner["code"] == nil && !isText(inner["message"]) {
			return x
		}
		if o.once("envelope") {
			o.m.Envelope, o.m.Error, o.m.Errors = key, "message", "fields"
			o.seen["error"] = true
		}
		rest := map[string]any{}
		for _, k := range sortedKeys(inner) {
			switch v := inner[k].(type) {
			case json.Number:
				o.m.CodeNumber = o.m.CodeNumber || k == "code"
			case string:
				if k == "code" && !strings.HasPrefix(v, "$") && o.once("code "+strconv.Itoa(x.status)) {
					o.m.Codes[x.status] = v
				}
			}
			if k != "code" {
				rest[k] = inner[k]
			}
		}
		x.want = rest
	}
	return x
}

func isText(v any) bool { _, ok := v.(string); return ok }

// usualCodes are the codes of statuses that no example shows.
func usualCodes() map[int]string {
	return map[int]string{400: "bad_request", 404: "not_found", 405: "method_not_allowed", 409: "conflict", 413: "too_large", 422: "invalid", 500: "internal"}
}
