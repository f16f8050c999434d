package meter

import (
	"bytes"
	"encoding/json"
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/tidwall/gjson"
)

// member is a value of a JSON object and where it stands.
type member struct {
	raw   json.RawMessage
	begin int
}

func (m member) null() bool { return len(m.raw) == 0 || string(m.raw) == "null" }

// count reads a whole number written in plain digits.
func (m member) count() (int64, [2]int, error) {
	n, err := strconv.ParseInt(string(m.raw), 10, 64)
	return n, [2]int{m.begin, m.begin + len(m.raw)}, err
}

// readObject reads the members of the object that body is. Keys that differ in nothing but case are
// refused like equal ones, and so are capital letters: readers disagree on which of them counts.
func readObject(body []byte) (map[string]member, error) {
	if !valid(body) {
		return nil, errors.New("not JSON, or something follows it")
	}
	if i := blank(body, 0); body[i] != '{' {
		return nil, errors.New("not a JSON object")
	}
	top := map[string]member{}
	for p := range membersOf(body) {
		key, ok := textOf(p.key)
		if _, twice := top[key]; !ok || twice || key != strings.ToLower(key) {
			return nil, errors.New("a key stands there twice or in capital letters")
		}
		top[key] = member{raw: p.value, begin: p.begin}
	}
	return top, nil
}

// valid is json.Valid in half the time. Where there may be more levels than it reads, json.Valid itself decides.
func valid(body []byte) bool {
	const mostLevels = 10_000
	if bytes.Count(body, []byte{'['})+bytes.Count(body, []byte{'{'}) > mostLevels {
		return json.Valid(body)
	}
	return gjson.ValidBytes(body)
}

// splice replaces the bytes between at[0] and at[1] by n.
func splice(body []byte, at [2]int, n int64) []byte {
	return slices.Concat(body[:at[0]], strconv.AppendInt(nil, n, 10), body[at[1]:])
}

// without is a body without one of its members, of which there are others. A key that is not spelled
// plainly stays.
func without(body []byte, key string, m member) []byte {
	const space = " \t\r\n"
	quoted := []byte(`"` + key + `"`)
	begin := bytes.LastIndex(body[:m.begin], quoted)
	if begin < 0 || string(bytes.Trim(body[begin+len(quoted):m.begin], space)) != ":" {
		return body
	}
	before, after := bytes.TrimRight(body[:begin], space), body[m.begin+len(m.raw):]
	if head, comma := bytes.CutSuffix(before, []byte{','}); comma {
		return slices.Concat(head, after)
	}
	after = bytes.TrimPrefix(bytes.TrimLeft(after, space), []byte{','})
	return slices.Concat(before, after)
}
