//go:build !faults

package faultpoint

import "io"

// Enabled says whether this program has fault points.
const Enabled = false

// At is a step that can fail; its error is the injected one.
func At(string) error { return nil }

// Pass is a place between two steps: nothing there can fail, but the process can end.
func Pass(string) {}

// PassOf is Pass for the point owner.step.
func PassOf(string, string) {}

// Write writes p to w; a short write leaves a part of it there.
func Write(_ string, w io.Writer, p []byte) (int, error) { return w.Write(p) }

// OnCancel says what a fault of the kind cancel does.
func OnCancel(func()) {}
