package meter

import (
	"bytes"
	"encoding/json"
	"iter"
)

// What is walked here is valid JSON: whoever reads a body has looked at the whole of it once. So one
// level is taken apart by its brackets alone, and nothing is copied; a conversation of a megabyte
// would else be read and copied once for each level that is looked into.

// pair is a member of an object as it stands: the key with its quotes, the value, and where that begins.
type pair struct {
	key, value []byte
	begin      int
}

// membersOf gives the members of a valid object in their order; none of anything else.
func membersOf(raw []byte) iter.Seq[pair] {
	return func(yield func(pair) bool) {
		i := blank(raw, 0)
		if i == len(raw) || raw[i] != '{' {
			return
		}
		for i = blank(raw, i+1); i < len(raw) && raw[i] != '}'; i = separator(raw, i) {
			key := i
			i = ending(raw, i)
			colon := blank(raw, i)
			begin := blank(raw, colon+1)
			p := pair{key: raw[key:i], begin: begin}
			i = ending(raw, begin)
			p.value = raw[begin:i]
			if !yield(p) {
				return
			}
		}
	}
}

// valuesOf gives the values of a valid list in their order; none of anything else.
func valuesOf(raw []byte) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		i := blank(raw, 0)
		if i == len(raw) || raw[i] != '[' {
			return
		}
		for i = blank(raw, i+1); i < len(raw) && raw[i] != ']'; i = separator(raw, i) {
			begin := i
			i = ending(raw, i)
			if !yield(raw[begin:i]) {
				return
			}
		}
	}
}

// blank skips white space.
func blank(raw []byte, i int) int {
	for i < len(raw) && (raw[i] == ' ' || raw[i] == '\n' || raw[i] == '\t' || raw[i] == '\r') {
		i++
	}
	return i
}

// separator skips to what comes after a comma, or to the closing bracket.
func separator(raw []byte, i int) int {
	if i = blank(raw, i); i < len(raw) && raw[i] == ',' {
		i = blank(raw, i+1)
	}
	return i
}

// ending is where the value that begins at i ends.
func ending(raw []byte, i int) int {
	for depth := 0; i < len(raw); {
		switch raw[i] {
		case '"':
			i = quoteEnd(raw, i)
		case '{', '[':
			depth++
			i++
			continue
		case '}', ']':
			depth--
			i++
		case ',', ':', ' ', '\n', '\t', '\r':
			i++
			continue
		default:
			i = wordEnd(raw, i)
		}
		if depth == 0 {
			return i
		}
	}
	return i
}

// quoteEnd is where the text ends whose first quote stands at i.
func quoteEnd(raw []byte, i int) int {
	for i++; i < len(raw); {
		n := bytes.IndexByte(raw[i:], '"')
		if n < 0 {
			return len(raw)
		}
		before := i + n
		for before > i && raw[before-1] == '\\' {
			before--
		}
		if (i+n-before)%2 == 0 {
			return i + n + 1
		}
		i += n + 1
	}
	return i
}

// wordEnd is where a number, true, false or null ends.
func wordEnd(raw []byte, i int) int {
	for i < len(raw) && bytes.IndexByte([]byte(",:{}[]\" \n\t\r"), raw[i]) < 0 {
		i++
	}
	return i
}

// textOf reads a JSON text; false for any other value.
func textOf(raw []byte) (string, bool) {
	if len(raw) < 2 || raw[0] != '"' {
		return "", false
	}
	inner := raw[1 : len(raw)-1]
	for _, c := range inner {
		if c == '\\' || c >= 0x80 {
			var s string
			err := json.Unmarshal(raw, &s)
			return s, err == nil
		}
	}
	return string(inner), true
}

// objectOf reads the members of a valid object by their exact keys, of equal ones the last. null is the
// empty one.
func objectOf(raw []byte) (block, bool) {
	if string(raw) == "null" {
		return nil, true
	}
	if len(raw) == 0 || raw[0] != '{' {
		return nil, false
	}
	out := block{}
	for p := range membersOf(raw) {
		key, ok := textOf(p.key)
		if !ok {
			return nil, false
		}
		out[key] = p.value
	}
	return out, true
}

// objectsOf reads a valid list of objects. null is the empty one.
func objectsOf(raw []byte) ([]block, bool) {
	if string(raw) == "null" {
		return nil, true
	}
	if len(raw) == 0 || raw[0] != '[' {
		return nil, false
	}
	var out []block
	for value := range valuesOf(raw) {
		b, ok := objectOf(value)
		if !ok {
			return nil, false
		}
		out = append(out, b)
	}
	return out, true
}
