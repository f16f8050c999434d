package crash

import (
	"bufio"
	"os"
	"path/filepath"
	"strings"
)

// FileSystem names the file system that a folder is on, as the kernel calls it; "an unknown file
// system" where it does not say.
func FileSystem(dir string) string {
	const unknown = "an unknown file system"
	dir, err := filepath.EvalSymlinks(dir)
	if err != nil {
		return unknown
	}
	f, err := os.Open("/proc/self/mountinfo")
	if err != nil {
		return unknown // not Linux
	}
	defer func() { _ = f.Close() }() // only read
	name, longest := unknown, -1
	for lines := bufio.NewScanner(f); lines.Scan(); {
		// 36 35 98:0 /root /mount/point options … - type source options
		left, right, ok := strings.Cut(lines.Text(), " - ")
		fields := strings.Fields(left)
		if !ok || len(fields) < 5 {
			continue
		}
		at := octal.Replace(fields[4])
		kind, _, _ := strings.Cut(right, " ")
		if below(dir, at) && len(at) >= longest { // of mounts over one another the last one counts
			name, longest = kind, len(at)
		}
	}
	return name
}

// octal is how mountinfo writes what would end a field.
var octal = strings.NewReplacer(`\040`, " ", `\011`, "\t", `\012`, "\n", `\134`, `\`)

func below(dir, mount string) bool {
	return mount == "/" || dir == mount || strings.HasPrefix(dir, mount+"/")
}
