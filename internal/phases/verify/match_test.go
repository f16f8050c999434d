package verify

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestMatch(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		want, got string
		known     captures
		fault     string // "" fits
		captured  captures
	}{
		"subset":             {`{"a":1}`, `{"a":1,"b":2}`, nil, "", nil},
		"missing key":        {`{"a":null}`, `{}`, nil, "key is missing", nil},
		"null":               {`{"a":null}`, `{"a":null}`, nil, "", nil},
		"numbers":            {`[1, 10, 0.1]`, `[1.0, 1e1, 1E-1]`, nil, "", nil},
		"long numbers":       {`12345678901234567890`, `12345678901234567891`, nil, "expected", nil},
		"huge exponents":     {`1e999999999`, `1e999999998`, nil, "expected", nil},
		"number and text":    {`79.90`, `"79.90"`, nil, "expected", nil},
		"array length":       {`[1]`, `[1,2]`, nil, "expected 1 elements, got 2", nil},
		"open array":         {`[1,"..."]`, `[1,2,3]`, nil, "", nil},
		"open array, short":  {`[1,2,"..."]`, `[1]`, nil, "at least 2", nil},
		"open empty":         {`["..."]`, `[]`, nil, "", nil},
		"object for array":   {`[]`, `{}`, nil, "expected an array", nil},
		"array for object":   {`{}`, `[]`, nil, "expected an object", nil},
		"deep":               {`{"a":[{"b":true}]}`, `{"a":[{"b":false}]}`, nil, "answer.a[0].b", nil},
		"captures":           {`{"id":"$x"}`, `{"id":7}`, captures{}, "", captures{"x": json.Number("7")}},
		"captures an object": {`"$x"`, `{"a":1}`, captures{}, "", captures{"x": map[string]any{"a": json.Number("1")}}},
		"captures no null":   {`{"id":"$x"}`, `{"id":null}`, captures{}, "null", nil},
		"compares":           {`{"id":"$x"}`, `{"id":7.0}`, captures{"x": json.Number("7")}, "", nil},
		"compares, differs":  {`{"id":"$x"}`, `{"id":8}`, captures{"x": json.Number("7")}, "expected 7, got 8", nil},
		"twice in one":       {`["$x","$x"]`, `[1,2]`, captures{}, "expected 1, got 2", nil},
		"inside text":        {`"/t/$x"`, `"/t/7"`, captures{"x": json.Number("7")}, "", nil},
		"escaped":            {`"$$x"`, `"$x"`, captures{"x": "no"}, "", nil},
		"price":              {`"$5.00"`, `"$5.00"`, captures{}, "", nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			want, err := decode([]byte(c.want))
			if err != nil {
				t.Fatal(err)
			}
			got, err := decode([]byte(c.got))
			if err != nil {
				t.Fatal(err)
			}
			known := c.known
			if known == nil {
				known = captures{}
			}
			faults := strings.Join(known.match("answer", want, got), "; ")
			if (faults == "") != (c.fault == "") || !strings.Contains(faults, c.fault) {
				t.Errorf("got %q, want %q", faults, c.fault)
			}
			if c.captured != nil {
				if d := cmp.Diff(c.captured, known); d != "" {
					t.Error(d)
				}
			}
		})
	}
}

func TestSubstitution(t *testing.T) {
	t.Parallel()
	known := captures{"id": json.Number("7"), "name": "a b/c?d&e"}
	if got, want := known.path("/x/$id/$name?q=$name&r=$id"), "/x/7/a%20b%2Fc%3Fd&e?q=a+b%2Fc%3Fd%26e&r=7"; got != want {
		t.Errorf("path %s, want %s", got, want)
	}
	for in, want := range map[string]string{
		`{"a":"$id","b":"no $id","c":["$name"],"d":"$other","e":"$5"}`: `{"a":7,"b":"no 7","c":["a b/c?d&e"],"d":"$other","e":"$5"}`,
		`plain $id`: `plain 7`,
		`{"b":1}`:   `{"b":1}`,
		`"$$id"`:    `"$id"`,
		``:          ``,
	} {
		got, err := known.body(json.RawMessage(in))
		if err != nil || string(got) != want {
			t.Errorf("%s became %s, want %s (%v)", in, got, want, err)
		}
	}
}

// Every JSON value fits itself, and an object fits what has more keys.
func TestMatchItself(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		value := rapid.Map(rapid.MapOf(rapid.StringMatching(`[a-z]{1,3}`), rapid.OneOf(
			rapid.Map(rapid.Int(), func(i int) any { return i }),
			rapid.Map(rapid.StringMatching(`[a-z ]{0,5}`), func(s string) any { return s }),
			rapid.Map(rapid.SliceOf(rapid.Float64Range(-1e6, 1e6)), func(f []float64) any { return f }),
			rapid.Just[any](nil),
		)), func(m map[string]any) any { return m }).Draw(t, "value")
		raw, err := json.Marshal(value)
		if err != nil {
			t.Fatal(err)
		}
		want, _ := decode(raw)
		got, _ := decode(raw)
		got.(map[string]any)["extra key"] = true
		if faults := (captures{}).match("answer", want, got); len(faults) > 0 {
			t.Fatal(faults)
		}
	})
}

func FuzzMatch(f *testing.F) {
	f.Add(`{"a":["$x",1e400,"..."]}`, `{"a":[1,1e401]}`)
	f.Add(`"$x"`, `[]`)
	f.Fuzz(func(t *testing.T, want, got string) {
		w, err := decode([]byte(want))
		if err != nil {
			return
		}
		g, err := decode([]byte(got))
		if err != nil {
			return
		}
		known := captures{}
		known.match("answer", w, g)
		if _, err := known.body(json.RawMessage(want)); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(want, "$") && !strings.Contains(want, "...") {
			if faults := known.match("answer", w, w); len(faults) > 0 {
				t.Fatalf("%s does not fit itself: %v", want, faults)
			}
		}
	})
}
