package ladder

import (
	"bytes"
	"errors"
	"os"
	"slices"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// processes is how many the command has now.
func (m *minder) processes() int {
	if m.orders.PID1 {
		return len(allProcesses()) - 1
	}
	return len(descendants())
}

// killAll kills everything the command started, until nothing is left. The first process of a pid
// namespace kills all others with one call; elsewhere orphans are ours, as their reaper, and are
// found by their parents: stopped first, so that they do not outrun the hunt.
func (m *minder) killAll() {
	if m.orders.PID1 {
		_ = unix.Kill(-1, unix.SIGKILL) // ESRCH when there is none
		return
	}
	for quiet := 0; quiet < 2; { // one look can miss what changes its parent just then
		family := descendants()
		if len(family) == 0 {
			quiet++
			continue
		}
		quiet = 0
		for _, sig := range []unix.Signal{unix.SIGSTOP, unix.SIGKILL} {
			for _, pid := range family {
				_ = unix.Kill(pid, sig) // it may have ended meanwhile
			}
		}
		m.bury(family)
		time.Sleep(time.Millisecond) // dying takes the kernel a moment
	}
}

// bury reaps those of family that are our own children, but not the command, which reap waits for.
func (m *minder) bury(family []int) {
	m.mu.Lock()
	command := m.pid
	m.mu.Unlock()
	for _, pid := range family {
		if pid == command {
			continue
		}
		for {
			_, err := unix.Wait4(pid, nil, unix.WNOHANG, nil)
			if !errors.Is(err, unix.EINTR) {
				break
			}
		}
	}
}

// allProcesses lists the pids in /proc.
func allProcesses() []int {
	dir, err := os.Open("/proc")
	if err != nil {
		return nil
	}
	names, err := dir.Readdirnames(-1)
	if cerr := dir.Close(); err != nil || cerr != nil {
		return nil
	}
	var pids []int
	for _, name := range names {
		if pid, err := strconv.Atoi(name); err == nil {
			pids = append(pids, pid)
		}
	}
	return pids
}

// descendants lists the living processes below this one. Zombies are not listed, but what was seen
// below one is.
func descendants() []int {
	children, dead := map[int][]int{}, map[int]bool{}
	for _, pid := range allProcesses() {
		parent, alive := parentOf(pid)
		children[parent] = append(children[parent], pid)
		dead[pid] = !alive
	}
	var family []int
	for next := []int{os.Getpid()}; len(next) > 0; next = next[1:] {
		family = append(family, children[next[0]]...)
		next = append(next, children[next[0]]...)
		delete(children, next[0])
	}
	return slices.DeleteFunc(family, func(pid int) bool { return dead[pid] })
}

// parentOf reads a process's parent, and whether it is more than a zombie.
func parentOf(pid int) (parent int, alive bool) {
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return 0, false
	}
	_, rest, found := bytes.Cut(stat[max(0, bytes.LastIndexByte(stat, ')')):], []byte(") "))
	fields := bytes.Fields(rest)
	if !found || len(fields) < 2 {
		return 0, false
	}
	parent, err = strconv.Atoi(string(fields[1]))
	return parent, err == nil && fields[0][0] != 'Z' && fields[0][0] != 'X'
}
