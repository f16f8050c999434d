package gen

import (
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// exported makes an exported Go identifier of a name as people write it. What starts with
// something that has no upper case, such as a digit, gets the prefix.
func exported(name, prefix string) string {
	var b strings.Builder
	for _, word := range nameWords(name) {
		b.WriteString(capital(word))
	}
	id := b.String()
	if first := []rune(id); len(first) == 0 || !unicode.IsUpper(first[0]) {
		id = prefix + id
	}
	return id
}

// nameWords splits at everything that cannot stand in an identifier.
func nameWords(name string) []string {
	return strings.FieldsFunc(name, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
}

func capital(word string) string {
	upper := strings.ToUpper(word)
	if slices.Contains([]string{"ID", "URL", "API", "HTTP", "JSON", "HTML", "IP", "UUID", "SQL", "CPU"}, upper) {
		return upper
	}
	r := []rune(word)
	r[0] = unicode.ToUpper(r[0])
	if word == upper && len(r) > 1 {
		return string(r[0]) + strings.ToLower(string(r[1:]))
	}
	return string(r)
}

// unexported makes an identifier that is used inside a package only and is never a Go keyword or
// a predeclared name, because the suffix that callers append is part of it.
func unexported(id string) string {
	r := []rune(id)
	n := 0
	for n < len(r) && unicode.IsUpper(r[n]) {
		n++
	}
	if n > 1 && n < len(r) {
		n-- // the last capital begins the next word
	}
	return strings.ToLower(string(r[:n])) + string(r[n:])
}

// fileStem makes the stem of a file name: lower case ASCII without underscores, so that no suffix
// of it means a platform or a test.
func fileStem(id string, index int) string {
	stem := strings.ToLower(id)
	for _, r := range stem {
		if (r < 'a' || r > 'z') && (r < '0' || r > '9') {
			return "entity" + strconv.Itoa(index+1)
		}
	}
	return stem
}

// programName makes a command name of the spec's name: lower-case letters, digits and hyphens.
func programName(name string) string {
	words := strings.FieldsFunc(strings.ToLower(name), func(r rune) bool { return (r < 'a' || r > 'z') && (r < '0' || r > '9') })
	p := strings.Join(words, "-")
	if p == "" || p[0] < 'a' || p[0] > 'z' {
		p = strings.TrimSuffix("app-"+p, "-")
	}
	return p
}

// modulePath keeps the module apart from the standard library's own top folders and the go
// command's words.
func modulePath(program string) string {
	taken := strings.Fields(`all archive bufio builtin bytes cmd cmp compress container context crypto database debug
		embed encoding errors example expvar flag fmt go hash html image index internal io iter log main maps math
		mime net os path plugin reflect regexp runtime slices sort std strconv strings structs sync syscall test
		testing text time tool unicode unique unsafe vendor weak work`)
	if slices.Contains(taken, program) {
		return program + "-app"
	}
	return program
}
