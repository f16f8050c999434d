package main

import "syscall"

// dieWith has the kernel send a signal to a child when we are gone.
func dieWith(attr *syscall.SysProcAttr, s syscall.Signal) { attr.Pdeathsig = s }
