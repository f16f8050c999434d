package blueprint

import (
	"regexp"
	"sync"
)

// pattern is a regular expression that is compiled when it is first used. There are many here, and
// each start of the program would pay for them: also as the sandbox's helper, before every command.
type pattern func() *regexp.Regexp

func lazy(expr string) pattern {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(expr) })
}

func (p pattern) MatchString(s string) bool                  { return p().MatchString(s) }
func (p pattern) FindStringSubmatch(s string) []string       { return p().FindStringSubmatch(s) }
func (p pattern) FindStringSubmatchIndex(s string) []int     { return p().FindStringSubmatchIndex(s) }
func (p pattern) FindAllString(s string, n int) []string     { return p().FindAllString(s, n) }
func (p pattern) FindAllStringIndex(s string, n int) [][]int { return p().FindAllStringIndex(s, n) }
func (p pattern) ReplaceAllString(s, repl string) string     { return p().ReplaceAllString(s, repl) }
func (p pattern) FindAllStringSubmatch(s string, n int) [][]string {
	return p().FindAllStringSubmatch(s, n)
}
func (p pattern) FindAllStringSubmatchIndex(s string, n int) [][]int {
	return p().FindAllStringSubmatchIndex(s, n)
}
func (p pattern) ReplaceAllStringFunc(s string, repl func(string) string) string {
	return p().ReplaceAllStringFunc(s, repl)
}
