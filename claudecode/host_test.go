package claudecode_test

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/signal"

	"github.com/seed-c331f47d/builder/claudecode"
)

// fakeWitness holds a connection as long as it lives, does not look at stdin, and ends by SIGINT only.
var fakeWitness = script("witness", func(f *fake) {
	ch := make(chan os.Signal, 1)
	signal.Notify(ch, os.Interrupt)
	f.initialize()
	conn, err := net.Dial("unix", os.Getenv("WITNESS"))
	if err != nil {
		f.die(err.Error())
	}
	fmt.Fprintln(conn, "here")
	<-ch
	fmt.Fprintln(conn, "interrupted")
})

// host is a program that starts a session and waits to be killed.
func host() {
	o := options(fakeWitness)
	o.Env["WITNESS"] = os.Getenv("FAKE_HOST")
	if _, err := claudecode.Start(context.Background(), o); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	(&fake{}).forever()
}
