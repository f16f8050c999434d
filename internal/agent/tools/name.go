package tools

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	mostPath      = 4096 // bytes
	mostComponent = 255  // bytes
	mostDepth     = 64   // components
)

// split checks a path by its name alone and returns its components; none means the tree itself. It
// is the same check for reading, writing and listing, and for names that do not exist yet. The
// rules are:
//
//   - relative, with /, no "..": E_PATH_ESCAPE
//   - valid UTF-8, printable, of names that every file system can hold: E_PATH_INVALID
//   - no component that is a protected name to any file system: E_PATH_PROTECTED
func split(path string) ([]string, error) {
	switch {
	case strings.HasPrefix(path, "/"), strings.HasPrefix(path, `\`), drive(path), strings.HasPrefix(path, "~/"), path == "~":
		return nil, fault(CodePathEscape, "%q is not relative to the tree", clip(path))
	case len(path) > mostPath:
		return nil, fault(CodePathInvalid, "the path has %d bytes, at most %d", len(path), mostPath)
	case !utf8.ValidString(path):
		return nil, fault(CodePathInvalid, "%q is not valid UTF-8", clip(path))
	}
	var parts []string
	for _, part := range strings.Split(path, "/") {
		if part == "" || part == "." {
			continue
		}
		if err := checkComponent(path, part); err != nil {
			return nil, err
		}
		parts = append(parts, part)
	}
	if len(parts) > mostDepth {
		return nil, fault(CodePathInvalid, "%q has %d folders, at most %d", clip(path), len(parts), mostDepth)
	}
	return parts, nil
}

// cleaned is path without empty and "." components, after the same checks.
func cleaned(path string) (string, error) {
	parts, err := split(path)
	if err != nil {
		return "", err
	}
	if len(parts) == 0 {
		return "", fault(CodePathInvalid, "the path of a file is missing")
	}
	return strings.Join(parts, "/"), nil
}

func checkComponent(path, part string) error {
	switch {
	case part == "..", strings.Contains(part, `..\`), strings.Contains(part, `\..`):
		return fault(CodePathEscape, "%q has a .. in it", clip(path))
	case protected(part):
		return fault(CodePathProtected, "%q is a protected name: it configures or starts programs", clip(part))
	case len(part) > mostComponent:
		return fault(CodePathInvalid, "a name in the path has %d bytes, at most %d", len(part), mostComponent)
	case strings.ContainsFunc(part, unprintable), strings.ContainsAny(part, "\\\uFFFD"):
		return fault(CodePathInvalid, "%q has characters that a file name cannot have everywhere", clip(path))
	case strings.TrimRight(part, ". ") != part, strings.HasPrefix(part, " "):
		return fault(CodePathInvalid, "%q begins or ends in a space or a dot that not every file system keeps", clip(part))
	case reserved(part):
		return fault(CodePathInvalid, "%q is a name that Windows reserves", clip(part))
	}
	return nil
}

// drive says whether path begins with a drive letter.
func drive(path string) bool {
	return len(path) >= 2 && path[1] == ':' && (path[0]|0x20 >= 'a' && path[0]|0x20 <= 'z')
}

func unprintable(r rune) bool {
	return unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || unicode.Is(unicode.Zl, r) || unicode.Is(unicode.Zp, r)
}

// reserved says whether Windows keeps the name for a device, with any extension.
func reserved(part string) bool {
	base, _, _ := strings.Cut(strings.ToLower(part), ".")
	switch base = strings.TrimRight(base, " "); base {
	case "con", "prn", "aux", "nul", "conin$", "conout$":
		return true
	}
	if rest, ok := strings.CutPrefix(base, "com"); ok || strings.HasPrefix(base, "lpt") {
		if !ok {
			rest = base[3:]
		}
		return len(rest) == 1 && rest[0] >= '0' && rest[0] <= '9'
	}
	return false
}

func clip(s string) string {
	const most = 120
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "…"
}
