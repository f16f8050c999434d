package main

import "os"

func main() {
	if collectLess() {
		watchLive()
	}
	os.Exit(Main(os.Args, os.Environ(), os.Stdin, os.Stdout, os.Stderr))
}
