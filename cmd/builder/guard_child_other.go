//go:build !linux

package main

import "syscall"

// dieWith does nothing where no kernel does it for us: the gateway's port dies with us, so that
// nothing more is spent.
func dieWith(*syscall.SysProcAttr, syscall.Signal) {}
