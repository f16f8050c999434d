package meter

// span follows the text of one JSON value as it grows, only so far as to see where it may end.
type span struct {
	depth    int
	begun    bool
	done     bool
	inString bool
	escaped  bool
}

// grow takes in more of the text and says whether the value may be complete: its brackets have
// closed, or it is neither an object nor a list.
func (s *span) grow(text string) bool {
	for i := 0; i < len(text) && !s.done; i++ {
		c := text[i]
		switch {
		case s.escaped:
			s.escaped = false
		case s.inString:
			s.escaped, s.inString = c == '\\', c != '"'
		case c == ' ' || c == '\t' || c == '\n' || c == '\r':
		case c == '{' || c == '[':
			s.depth++
			s.begun = true
		case !s.begun:
			s.done = true
		case c == '"':
			s.inString = true
		case c == '}' || c == ']':
			s.depth--
			s.done = s.depth == 0
		}
	}
	return s.done
}
