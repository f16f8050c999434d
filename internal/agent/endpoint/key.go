package endpoint

import (
	"fmt"
	"io"
)

// Redacted is what a key prints as.
const Redacted = "[redacted]"

// Key is an API key; the zero value is none. However it is printed or encoded, also as an
// unexported field of something else, it does not show.
type Key struct{ value *string }

// Secret makes a key of its text; "" makes none.
func Secret(text string) Key {
	if text == "" {
		return Key{}
	}
	return Key{value: &text}
}

// Reveal is the text of the key, "" for none: for the header that carries it, and nothing else.
func (k Key) Reveal() string {
	if k.value == nil {
		return ""
	}
	return *k.value
}

// Format implements [fmt.Formatter] for every verb.
func (Key) Format(f fmt.State, _ rune) {
	_, _ = io.WriteString(f, Redacted) // a printer that cannot print has nobody to tell
}

// MarshalText implements [encoding.TextMarshaler].
func (Key) MarshalText() ([]byte, error) { return []byte(Redacted), nil }
