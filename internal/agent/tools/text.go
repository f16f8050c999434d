package tools

import (
	"bytes"
	"fmt"
	"strings"
	"unicode/utf8"
)

const (
	mostShown = 16 << 10 // bytes of a tool result
	mostFile  = 2 << 20  // bytes of a file that is edited or written
	mostRead  = 16 << 20 // bytes of a file that is read
)

// valid replaces what is not UTF-8; all else reaches the model as it is.
func valid(text []byte) string { return strings.ToValidUTF8(string(text), "\uFFFD") }

// shorten keeps head and tail of a text that is longer than most bytes, cut at line ends where
// there are any, and says how much is missing in the middle.
func shorten(text string, most int) string {
	if len(text) <= most {
		return text
	}
	head, tail := text[:most/2], text[len(text)-most/2:]
	if i := strings.LastIndexByte(head, '\n'); i > len(head)/2 {
		head = head[:i+1]
	}
	if i := strings.IndexByte(tail, '\n'); i >= 0 && i < len(tail)/2 {
		tail = tail[i+1:]
	}
	head, tail = whole(head), strings.ToValidUTF8(tail, "")
	left := len(text) - len(head) - len(tail)
	if !strings.HasSuffix(head, "\n") {
		head += "\n"
	}
	return fmt.Sprintf("%s[… %d bytes left out …]\n%s", head, left, tail)
}

// whole drops a rune that was cut at the end.
func whole(s string) string {
	for i := 0; i < utf8.UTFMax && len(s) > 0; i++ {
		if r, size := utf8.DecodeLastRuneInString(s); r != utf8.RuneError || size != 1 {
			break
		}
		s = s[:len(s)-1]
	}
	return s
}

// binary says whether content is no text: it has a NUL byte near its beginning.
func binary(content []byte) bool { return bytes.IndexByte(content[:min(len(content), 8192)], 0) >= 0 }

// count writes a number with its word.
func count(n int, word string) string {
	if n == 1 {
		return "1 " + word
	}
	return fmt.Sprintf("%d %ss", n, word)
}

// lineCount is the number of lines of a text, the last one with or without its line end.
func lineCount(text string) int {
	n := strings.Count(text, "\n")
	if text != "" && !strings.HasSuffix(text, "\n") {
		n++
	}
	return n
}
