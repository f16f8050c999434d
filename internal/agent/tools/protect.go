package tools

import (
	"strings"
	"unicode"
)

// protected says whether a file system may take part for a name that configures or starts programs
// on a developer's machine: version control, editors, agents, shells. Case, trailing dots and
// spaces, invisible characters, accents written apart, full-width letters, alternate streams and
// short 8.3 names do not help.
func protected(part string) bool {
	name := fold(part)
	switch name {
	case ".git", ".gitmodules", ".gitconfig", "git~1", "gitmod~1", ".builder",
		".hg", ".svn", ".jj",
		".claude", ".claude.json", ".codex", ".cursor", ".gemini", ".mcp.json",
		".vscode", ".idea", ".husky", ".devcontainer", ".envrc", ".direnv",
		".bashrc", ".bash_profile", ".bash_login", ".bash_logout", ".bash_aliases", ".profile", ".inputrc",
		".zshrc", ".zshenv", ".zprofile", ".zlogin", ".zlogout", ".kshrc", ".cshrc", ".tcshrc", ".login":
		return true
	}
	return false
}

// fold maps a name to what the most forgiving file system sees in it.
func fold(part string) string {
	part, _, _ = strings.Cut(part, ":") // NTFS streams: .git::$INDEX_ALLOCATION
	var b strings.Builder
	for _, r := range part {
		switch {
		case unicode.Is(unicode.Mn, r), unicode.Is(unicode.Cf, r), unicode.IsControl(r), r == '\uFFFD':
			continue // ignored by HFS+, or an accent written apart
		case r >= '！' && r <= '～': // full-width forms of ASCII
			r -= '！' - '!'
		case r == '․' || r == '﹒' || r == '。': // dots that compatibility forms map to "."
			r = '.'
		}
		b.WriteRune(lower(r))
	}
	return strings.TrimRight(b.String(), ". \u00a0\u3000")
}

// lower is the smallest rune that r equals without case: K (Kelvin) is k, ſ is s, İ and ı are i.
func lower(r rune) rune {
	switch r {
	case 'İ', 'ı':
		return 'i'
	}
	least := r
	for next := unicode.SimpleFold(r); next != r; next = unicode.SimpleFold(next) {
		least = min(least, next)
	}
	return unicode.ToLower(least)
}
