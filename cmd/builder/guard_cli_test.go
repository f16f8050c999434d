package main

import (
	"errors"
	"testing"
)

// What makes a command call past the guard is refused before it starts.
func TestGuardBypass(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		env  string
		argv []string
		bad  bool
	}{
		"bedrock":         {"CLAUDE_CODE_USE_BEDROCK=1", []string{"/opt/claude", "-p"}, true},
		"vertex":          {"CLAUDE_CODE_USE_VERTEX=true", []string{"claude"}, true},
		"bedrock off":     {"CLAUDE_CODE_USE_BEDROCK=0", []string{"claude"}, false},
		"of another":      {"CLAUDE_CODE_USE_BEDROCK=1", []string{"codex", "exec"}, false},
		"codex provider":  {"", []string{"codex", "-c", `model_provider="x"`, "exec"}, true},
		"codex of itself": {"", []string{"codex", "exec", "--oss"}, true},
		"plain":           {"", []string{"codex", "exec", "hi"}, false},
	} {
		err := cliOf(c.argv).bypass(&app{env: []string{c.env}})
		var f *fault
		if (err != nil) != c.bad || c.bad && (!errors.As(err, &f) || f.code != "E_GUARD_BYPASS" || f.exit != exitPolicy) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}
