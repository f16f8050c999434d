package main

import "os"

func main() {
	collectLess()
	os.Exit(Main(os.Args, os.Environ(), os.Stdin, os.Stdout, os.Stderr))
}
