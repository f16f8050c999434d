package budget

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestOpRoundTrips(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(0, 1<<31)
		o := Op{
			Build: rapid.StringMatching(`[A-Za-z0-9._-]{1,40}`).Draw(t, "build"), Task: rapid.StringMatching(`[a-z0-9._-]{1,60}`).Draw(t, "task"),
			Attempt: n.Draw(t, "attempt"), Step: n.Draw(t, "step"), Send: n.Draw(t, "send"),
		}
		for _, s := range []string{o.String(), o.File()} {
			if got, err := ParseOp(s); err != nil || got != o {
				t.Fatalf("ParseOp(%q) = %+v, %v", s, got, err)
			}
		}
		if f := o.File(); filepath.Base(f) != f || strings.HasPrefix(f, "~") || len(f) > 255 {
			t.Fatalf("%q is not a file name", f)
		}
	})
}

func TestParseOpRefuses(t *testing.T) {
	t.Parallel()
	for _, s := range []string{
		"", "b", "b/t/1", "b/t/1/2", "b/t/1/2.", "b/t/1/.2", "b/t/1/2.3/4", "/t/1/2.3", "b//1/2.3", "b/T/1/2.3", "b/t/-1/2.3", "b/t/+1/2.3",
		"b/t/01/2.3", "b/t/1/2.3.4", "b~t/1/2.3", "b/../../x/1/2.3", "b/t\x00/1/2.3", "b/t/1/2.99999999999999999999", "b/" + strings.Repeat("t", 250) + "/1/2.3", "b/ä/1/2.3",
	} {
		if o, err := ParseOp(s); !errors.Is(err, ErrOp) {
			t.Errorf("ParseOp(%q) = %+v, %v; want ErrOp", s, o, err)
		}
	}
}

func FuzzParseOp(f *testing.F) {
	f.Add("b-1/plan/1/3.1")
	f.Add("b~t~0~0.0")
	f.Fuzz(func(t *testing.T, s string) {
		if o, err := ParseOp(s); err == nil && o.String() != s && o.File() != s {
			t.Errorf("ParseOp(%q) = %+v", s, o)
		}
	})
}
