package meter

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"
)

// What is taken apart by its brackets is what encoding/json reads, for every valid text.
func FuzzWalk(f *testing.F) {
	for _, s := range []string{
		`{"a":1,"b":[{"c":"\"}"},null,{}], "a" : {"x":"\\"} }`, `[{"a":[]},{"b":"]"}]`, ` [ ] `, `{}`, `null`, `"\\\""`, `[null,{"é":1}]`, `[1,{}]`, `{"\u0061":-1.5e3,"a\\":true}`,
	} {
		f.Add([]byte(s))
	}
	for _, s := range []string{`01`, `-`, `1.`, `1e`, `"\x"`, `"\u12g4"`, "\"\n\"", "\"\xff\"", `{"a"}`, `[1,]`, `{} {}`, ` `, `tru`, strings.Repeat("[", 10_001) + strings.Repeat("]", 10_001)} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		if got, want := valid(raw), json.Valid(raw); got != want {
			t.Fatalf("%q is valid: %t, want %t", raw, got, want)
		}
		if !json.Valid(raw) {
			return
		}
		raw = compact(t, raw)
		var wantText string
		isText := raw[0] == '"' && json.Unmarshal(raw, &wantText) == nil
		if got, ok := textOf(raw); ok != isText || got != wantText {
			t.Errorf("text %q %t, want %q", got, ok, wantText)
		}
		var want block
		isObject := json.Unmarshal(raw, &want) == nil
		got, ok := objectOf(raw)
		if ok != isObject || ok && !maps.EqualFunc(got, want, sameRaw) {
			t.Errorf("object %q %t, want %q %t", got, ok, want, isObject)
		}
		var list []block
		isList := json.Unmarshal(raw, &list) == nil
		blocks, ok := objectsOf(raw)
		if ok != isList || ok && !slices.EqualFunc(blocks, list, func(a, b block) bool { return maps.EqualFunc(a, b, sameRaw) }) {
			t.Errorf("list %q %t, want %q %t", blocks, ok, list, isList)
		}
	})
}

// compact keeps what stands around the value out of the comparison; inside, blanks stay.
func compact(t *testing.T, raw []byte) []byte {
	var v json.RawMessage
	if err := json.Unmarshal(raw, &v); err != nil {
		t.Fatal(err)
	}
	return v
}

func sameRaw(a, b json.RawMessage) bool { return string(a) == string(b) }
