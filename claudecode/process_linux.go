package claudecode

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
	"unsafe"
)

// ownGroup also interrupts the CLI when the thread that started it ends: a clean stop, in which it takes its tools along.
func ownGroup() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGINT}
}

// awaitExit returns when the child has ended, and leaves it to be reaped. It is false where it could not.
func awaitExit(pid int) bool {
	const idPID, wNowait = 1, 0x01000000 // P_PID, WNOWAIT
	var info [128]byte                   // siginfo_t, which nobody reads
	for {
		_, _, errno := syscall.Syscall6(syscall.SYS_WAITID, idPID, uintptr(pid), uintptr(unsafe.Pointer(&info)), syscall.WEXITED|wNowait, 0, 0)
		if errno != syscall.EINTR {
			return errno == 0
		}
	}
}

// sweep kills what the CLI started: its group, and whatever has the mark in its environment, wherever it went. New ones
// may appear while old ones are found, so it goes on until none is.
func sweep(group int, mark string) {
	var killed []int
	for round := range 40 {
		found := 0
		for _, pid := range strays(group, mark) {
			if killIf(pid, func() bool { return belongs(pid, group, mark) }) {
				killed = append(killed, pid)
				found++
			}
		}
		// One that dies has lost its environment before it is dead.
		if found == 0 && !slices.ContainsFunc(killed, living) {
			return
		}
		time.Sleep(time.Duration(round+1) * time.Millisecond) // a kill takes a moment to be seen
	}
}

// living says whether a process is more than a zombie.
func living(pid int) bool {
	_, ok := statOf("/proc/" + strconv.Itoa(pid))
	return ok
}

// strays lists the living processes of a session but for the CLI itself.
func strays(group int, mark string) []int {
	names, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		return nil
	}
	var pids []int
	for _, name := range names {
		pid, err := strconv.Atoi(filepath.Base(name))
		if err == nil && pid != group && pid != os.Getpid() && belongs(pid, group, mark) {
			pids = append(pids, pid)
		}
	}
	return pids
}

// belongs says whether a living process is of the group or has the mark.
func belongs(pid, group int, mark string) bool {
	dir := "/proc/" + strconv.Itoa(pid)
	fields, ok := statOf(dir)
	if !ok {
		return false
	}
	if fields[2] == strconv.Itoa(group) {
		return true
	}
	env, err := os.ReadFile(dir + "/environ")
	return err == nil && bytes.Contains(append([]byte{0}, env...), []byte("\x00"+mark+"\x00"))
}

// statOf reads state, parent and group of a living process.
func statOf(dir string) (fields []string, ok bool) {
	stat, err := os.ReadFile(dir + "/stat")
	if err != nil {
		return nil, false
	}
	// pid (name) state ppid pgrp ...; the name may hold anything
	fields = strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
	return fields, len(fields) >= 3 && fields[0] != "Z" && fields[0] != "X"
}

// killIf kills a process if, once it is held by a handle that no other can have, it still is the one that is meant.
func killIf(pid int, still func() bool) bool {
	p, err := os.FindProcess(pid) // by pidfd, where the kernel has it
	if err != nil {
		return false
	}
	defer func() { _ = p.Release() }()
	return still() && p.Kill() == nil
}
