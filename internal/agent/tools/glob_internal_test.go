package tools

import (
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestMatches(t *testing.T) {
	t.Parallel()
	tests := []struct {
		glob, name string
		want       bool
	}{
		{"a", "a", true}, {"a", "b", false}, {"./a", "a", true}, {"*", "a", true}, {"*", "a/b", false},
		{"**", "a", true}, {"**", "a/b/c", true}, {"a/**", "a", false}, {"a/**", "a/b", true}, {"a/**", "ab/c", false},
		{"a/", "a/b/c", true}, {"**/x", "x", true}, {"**/x", "a/b/x", true}, {"**/x", "a/xx", false},
		{"a/**/b", "a/b", true}, {"a/**/b", "a/x/y/b", true}, {"a/**/b/**/c", "a/b/b/x/c", true}, {"a/**/b", "a/x", false},
		{"*.go", "x.go", true}, {"**/*_test.go", "a/b_test.go", true}, {"[", "[", false}, {"", "a", false}, {"A", "a", false},
	}
	for _, tt := range tests {
		if got := matches(tt.glob, tt.name); got != tt.want {
			t.Errorf("matches(%q, %q) = %v", tt.glob, tt.name, got)
		}
	}
}

// The matcher with one mark agrees with the plain recursive one.
func TestMatchesAgreesWithRecursion(t *testing.T) {
	t.Parallel()
	var slow func(globs, names []string) bool
	slow = func(globs, names []string) bool {
		switch {
		case len(globs) == 0:
			return len(names) == 0
		case globs[0] == "**" && len(globs) == 1:
			return len(names) > 0
		case globs[0] == "**":
			return slow(globs[1:], names) || len(names) > 0 && slow(globs, names[1:])
		default:
			return len(names) > 0 && matchOne(globs[0], names[0]) && slow(globs[1:], names[1:])
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		globs := rapid.SliceOfN(rapid.SampledFrom([]string{"a", "b", "*", "**"}), 1, 6).Draw(t, "globs")
		names := rapid.SliceOfN(rapid.SampledFrom([]string{"a", "b"}), 1, 6).Draw(t, "names")
		if got, want := matches(strings.Join(globs, "/"), strings.Join(names, "/")), slow(globs, names); got != want {
			t.Fatalf("%v on %v: %v, want %v", globs, names, got, want)
		}
	})
}

func TestShorten(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringMatching(`(abc|é|日本|\n|x){0,400}`).Draw(t, "text")
		most := rapid.IntRange(20, 500).Draw(t, "most")
		got := shorten(text, most)
		if len(text) <= most && got != text {
			t.Fatal("a short text was changed")
		}
		if len(got) > most+40 {
			t.Fatalf("%d bytes of at most %d", len(got), most)
		}
		if strings.ToValidUTF8(got, "?") != got {
			t.Fatalf("a rune was cut: %q", got)
		}
	})
}
