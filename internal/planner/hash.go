package planner

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
)

// Hash gives the plan's identity: the SHA-256, in lower-case hex, of its canonical JSON. In that
// keys are sorted and what is empty is left out, so that two spellings of one plan are the same.
func (p *Plan) Hash() (string, error) {
	raw, err := json.Marshal(p)
	if err != nil {
		return "", fmt.Errorf("hash plan: %w", err)
	}
	canonical, err := canonicalJSON(raw)
	if err != nil {
		return "", fmt.Errorf("hash plan: %w", err)
	}
	sum := sha256.Sum256(canonical)
	return hex.EncodeToString(sum[:]), nil
}

// canonicalJSON writes JSON with sorted keys, numbers as they are, and without what is empty.
func canonicalJSON(raw []byte) ([]byte, error) {
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		return nil, err
	}
	return json.Marshal(pruned(v))
}

// pruned drops the members of objects that hold nothing.
func pruned(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for k, member := range v {
			member = pruned(member)
			if isEmptyJSON(member) {
				delete(v, k)
				continue
			}
			v[k] = member
		}
	case []any:
		for i := range v {
			v[i] = pruned(v[i])
		}
	}
	return v
}

func isEmptyJSON(v any) bool {
	switch v := v.(type) {
	case nil:
		return true
	case map[string]any:
		return len(v) == 0
	case []any:
		return len(v) == 0
	default:
		return false
	}
}
