package agenttest

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// Processes lists the living processes of this machine that have a text in their environment, among their
// arguments or in the name of their folder, but for this one. It sees none where there is no /proc.
func Processes(text string) []int {
	names, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		return nil
	}
	var found []int
	for _, name := range names {
		pid, err := strconv.Atoi(filepath.Base(name))
		if err != nil || pid == os.Getpid() || dead(name) {
			continue
		}
		traits, _ := os.Readlink(filepath.Join(name, "cwd")) // of one that ends there is none
		for _, file := range []string{"environ", "cmdline"} {
			raw, _ := os.ReadFile(filepath.Join(name, file))
			traits += "\x00" + string(raw)
		}
		if strings.Contains(traits, text) {
			found = append(found, pid)
		}
	}
	return found
}

// dead says whether a process is a mere entry that nobody has taken notice of yet.
func dead(proc string) bool {
	stat, err := os.ReadFile(filepath.Join(proc, "stat"))
	if err != nil {
		return true
	}
	rest := stat[bytes.LastIndexByte(stat, ')')+1:]
	return len(rest) > 1 && (rest[1] == 'Z' || rest[1] == 'X')
}

// kill ends processes at once.
func kill(pids []int) {
	for _, pid := range pids {
		if p, err := os.FindProcess(pid); err == nil {
			_ = p.Kill() // one that is gone is what is wanted
		}
	}
}

// Gone waits until no process has a text as [Processes] looks for it, and lists those that still have after
// a time. Their end cannot be waited for otherwise: they are nobody's here.
func Gone(text string, patience time.Duration) []int {
	give := time.NewTimer(patience)
	defer give.Stop()
	look := time.NewTicker(10 * time.Millisecond)
	defer look.Stop()
	for {
		left := Processes(text)
		if len(left) == 0 {
			return nil
		}
		select {
		case <-give.C:
			return left
		case <-look.C:
		}
	}
}
