//go:build faults

package faultpoint

import (
	"bytes"
	"errors"
	"syscall"
	"testing"
)

// What the environment may order, and what it may not.
func TestOrders(t *testing.T) {
	t.Parallel()
	for order, want := range map[string]fault{
		"commit.before_ref:kill":   {point: "commit.before_ref", kind: Kill, nth: 1},
		"spool.append:short@7":     {point: "spool.append", kind: Short, nth: 7},
		"*:enospc@12+":             {point: "*", kind: ENOSPC, nth: 12, onward: true},
		"commit.before_reff:kill":  {},
		"commit.after_ref:eio":     {},
		"spool.append:flood":       {},
		"spool.append:kill@0":      {},
		"spool.append:kill@second": {},
		"spool.append":             {},
	} {
		got, err := parse(order)
		if (err == nil) != (want != fault{}) || err == nil && got != want {
			t.Errorf("%s: %+v, %v", order, got, err)
		}
	}
}

// A board strikes at the N-th time, once or from there on, and counts all points together for *.
func TestBoard(t *testing.T) {
	t.Parallel()
	for order, want := range map[string]string{
		"spool.append:eio@2":  ".X..",
		"spool.append:eio@2+": ".XXX",
		"*:eio@3":             "..X.",
		"*:short@3+":          "..XX",
		"blob.link:eio":       "....",
	} {
		f, err := parse(order)
		if err != nil {
			t.Fatal(err)
		}
		b := &board{count: map[string]int{}, faults: []fault{f}}
		got := ""
		for range want {
			b.reach("commit.after_ref") // cannot fail, and does not count among those that can
			if _, due := b.reach("spool.append"); due {
				got += "X"
			} else {
				got += "."
			}
		}
		if got != want {
			t.Errorf("%s: %s, want %s", order, got, want)
		}
	}
}

// A failure is the kernel's own error, and a short write leaves a part.
func TestStrike(t *testing.T) {
	t.Parallel()
	b := &board{count: map[string]int{}}
	for k, want := range map[Kind]error{EIO: syscall.EIO, ENOSPC: syscall.ENOSPC, Short: syscall.ENOSPC, Delay: nil, Cancel: nil} {
		if err := b.strike("spool.append", k); !errors.Is(err, want) {
			t.Errorf("%s: %v", k, err)
		}
	}
	var w bytes.Buffer
	if n, err := Write("spool.append", &w, []byte("whole")); n != 5 || err != nil || w.String() != "whole" {
		t.Errorf("%d, %v, %q", n, err, w.String())
	}
}
