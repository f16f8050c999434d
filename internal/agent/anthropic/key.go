package anthropic

import (
	"fmt"
	"io"
)

const redacted = "[redacted]"

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

// reveal is the text of the key, "" for none.
func (k Key) reveal() string {
	if k.value == nil {
		return ""
	}
	return *k.value
}

// Format implements [fmt.Formatter] for every verb.
func (Key) Format(f fmt.State, _ rune) {
	_, _ = io.WriteString(f, redacted) // a printer that cannot print has nobody to tell
}

// MarshalText implements [encoding.TextMarshaler].
func (Key) MarshalText() ([]byte, error) { return []byte(redacted), nil }
