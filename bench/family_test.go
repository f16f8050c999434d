package bench

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// family gives the peak memory, in KiB, of each living process that descends from this one, the biggest first. It sees
// none where there is no /proc.
func family() []int64 {
	files, err := filepath.Glob("/proc/[0-9]*/status")
	if err != nil {
		return nil
	}
	used, children := map[int]int64{}, map[int][]int{}
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			continue // it has ended
		}
		pid, parent, kib := fields(string(raw))
		used[pid], children[parent] = kib, append(children[parent], pid)
	}
	var all []int64
	for next := children[os.Getpid()]; len(next) > 0; next = next[1:] {
		if kib := used[next[0]]; kib > 0 { // one that is dead has none
			all = append(all, kib)
		}
		next = append(next, children[next[0]]...)
	}
	slices.Sort(all)
	slices.Reverse(all)
	return all
}

// fields reads what a process's status says of its id, its parent's and its peak memory.
func fields(status string) (pid, parent int, kib int64) {
	for line := range strings.Lines(status) {
		name, value, _ := strings.Cut(line, ":")
		word, _, _ := strings.Cut(strings.TrimSpace(value), " ")
		n, err := strconv.ParseInt(word, 10, 64)
		switch {
		case err != nil:
		case name == "Pid":
			pid = int(n)
		case name == "PPid":
			parent = int(n)
		case name == "VmHWM":
			kib = n
		}
	}
	return pid, parent, kib
}
