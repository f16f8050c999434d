package verify

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"slices"
	"strings"
	"unicode"

	"github.com/seed-c331f47d/builder/internal/sandbox"
)

// How much of a command's output an agent is shown: the start names the cause, the end the outcome.
const (
	shownHead = 3000
	shownTail = 3000
)

// ansi are terminal sequences.
var ansi = lazy("\x1b(\\[[0-?]*[ -/]*[@-~]|\\][^\x07\x1b]*(\x07|\x1b\\\\)|.)")

// clean makes text of the gate's programs fit for agent and terminal: no control characters, no
// invisible or direction-changing ones, no paths of this machine.
func (r *room) clean(text string) string {
	text = ansi().ReplaceAllString(strings.ToValidUTF8(text, "\uFFFD"), "")
	text = strings.Map(func(c rune) rune {
		switch {
		case c == '\n' || c == '\t':
			return c
		case unicode.IsControl(c), unicode.In(c, unicode.Cf, unicode.Co, unicode.Zl, unicode.Zp):
			return -1
		}
		return c
	}, text)
	home, _ := os.UserHomeDir() // without one there is nothing to replace
	for _, name := range []struct{ path, word string }{{r.data, "{data}"}, {r.tree + "/", ""}, {r.tree, "."}, {home + "/", "~/"}} {
		if len(name.path) > 2 {
			text = strings.ReplaceAll(text, name.path, name.word)
		}
	}
	return text
}

// clip shortens text to its head and tail, at line ends where it can.
func clip(text string) string {
	text = strings.TrimRight(text, " \t\r\n")
	if len(text) <= shownHead+shownTail {
		return text
	}
	head, tail := text[:shownHead], text[len(text)-shownTail:]
	if i := strings.LastIndexByte(head, '\n'); i > shownHead/2 {
		head = head[:i]
	}
	if i := strings.IndexByte(tail, '\n'); i >= 0 && i < shownTail/2 {
		tail = tail[i+1:]
	}
	return fmt.Sprintf("%s\n[... %d bytes left out ...]\n%s", head, len(text)-len(head)-len(tail), tail)
}

// firstLine is text up to its first line end, bounded.
func firstLine(text string) string {
	text, _, _ = strings.Cut(strings.TrimSpace(text), "\n")
	if runes := []rune(text); len(runes) > 200 {
		return string(runes[:200]) + "…"
	}
	return text
}

// passing are the parts of a text that differ from run to run without meaning anything.
var passing = lazy(strings.Join([]string{
	`\d{4}[-/]\d{2}[-/]\d{2}([T ]\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:?\d{2})?)?`,
	`\b\d{2}:\d{2}:\d{2}(\.\d+)?\b`,
	`\b\d+(\.\d+)?\s?(ns|µs|us|ms|s|m\d+(\.\d+)?s|seconds?|sec)\b`,
	`0x[0-9a-fA-F]+`,
	`\b[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}\b`,
	`\b[0-9a-fA-F]{16,}\b`,
	`(127\.0\.0\.1|localhost|\[::1\]|\[::\]):\d+`,
	`(goroutine|pid|PID|process) \d+`,
	`/tmp/\S+`,
	`\[\.\.\. \d+ bytes left out \.\.\.\]`,
}, "|"))

// signature names a failure: what was said, in any order, without times, ports, addresses and
// temporary paths.
func signature(gate, feedback string) string {
	lines := strings.Split(passing().ReplaceAllString(feedback, "#"), "\n")
	for i, line := range lines {
		lines[i] = strings.Join(strings.Fields(line), " ")
	}
	slices.Sort(lines)
	sum := sha256.Sum256([]byte(gate + "\n" + strings.Join(slices.Compact(lines), "\n")))
	return hex.EncodeToString(sum[:16])
}

// ending says in words how a command ended.
func ending(out sandbox.Output) string {
	switch {
	case out.TimedOut:
		return "ran out of time and was killed"
	case out.Exceeded != "":
		return "was killed for too many " + out.Exceeded
	case out.Signal != "":
		return "was ended by signal " + out.Signal
	default:
		return fmt.Sprintf("ended with exit code %d", out.Exit)
	}
}
