//go:build linux

package ladder

// actor plays the programs that tests run: this test binary again, under a word of its own.
func actor(args []string) (exit int, handled bool) {
	return 0, false
}
