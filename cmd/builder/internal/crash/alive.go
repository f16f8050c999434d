package crash

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// ending is how long processes may take to end after the one that began them has.
const ending = 10 * time.Second

// Alive lists the processes that have to do with a folder: by where they are, by what they were
// started with, by their environment. Those that are ending are waited for. Systems without /proc have
// none.
func Alive(ctx context.Context, dir string) []string {
	for limit := time.Now().Add(ending); ; {
		found := working(dir)
		if len(found) == 0 || time.Now().After(limit) || !wait(ctx, 10*time.Millisecond) {
			return found
		}
	}
}

func working(dir string) []string {
	var found []string
	procs, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		return []string{err.Error()} // the pattern is a constant
	}
	for _, p := range procs {
		if pid, err := strconv.Atoi(filepath.Base(p)); err != nil || pid == os.Getpid() || !worksBelow(p, dir) {
			continue
		}
		cmd, _ := os.ReadFile(p + "/cmdline") // it may be gone
		found = append(found, fmt.Sprintf("%s %q", filepath.Base(p), cmd))
	}
	return found
}

func worksBelow(proc, dir string) bool {
	for _, link := range []string{"cwd", "root"} {
		if to, err := os.Readlink(filepath.Join(proc, link)); err == nil && strings.HasPrefix(to, dir) {
			return true
		}
	}
	for _, file := range []string{"cmdline", "environ"} {
		f, err := os.Open(filepath.Join(proc, file))
		if err != nil {
			continue
		}
		raw, err := io.ReadAll(io.LimitReader(f, 1<<20))
		_ = f.Close() // only read
		if err == nil && bytes.Contains(raw, []byte(dir)) {
			return true
		}
	}
	return false
}
