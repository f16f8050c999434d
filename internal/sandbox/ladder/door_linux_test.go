package ladder

import (
	"bufio"
	"bytes"
	"fmt"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/seed-c331f47d/builder/internal/sandbox"
)

// A command without network reaches what is behind its door, as it comes and while it runs, and talks
// over its own streams; a signal reaches it alone.
func TestDoor(t *testing.T) {
	t.Parallel()
	eachRung(t, func(t *testing.T, r rung) {
		outside, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		port, policy, l := 4242, sandbox.Policy{Door: 4242}, outside
		if !r.isolated(policy) {
			port = outside.Addr().(*net.TCPAddr).Port
		}
		exe := self2(t)
		policy.Read = []string{exe}
		inR, inW, err1 := os.Pipe()
		outR, outW, err2 := os.Pipe()
		if err1 != nil || err2 != nil {
			t.Fatal(err1, err2)
		}
		var said bytes.Buffer
		p, err := runner{rung: r}.Start(t.Context(), inScratch(t, sandbox.Command{
			Argv: []string{exe, actAsk, "127.0.0.1:" + strconv.Itoa(port)}, Policy: policy, Stdin: inR, Stdout: outW, Stderr: &said,
		}))
		if err != nil {
			t.Fatal(err)
		}
		inR.Close()
		outW.Close()
		if (p.Door() != nil) != r.isolated(policy) {
			t.Fatalf("door %v, a network of its own %v", p.Door(), r.isolated(policy))
		}
		if p.Door() != nil {
			l = p.Door()
		}
		server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "from outside") })}
		served := make(chan error, 1)
		go func() { served <- server.Serve(l) }()
		lines := bufio.NewReader(outR)
		fmt.Fprintln(inW, "ping")
		for _, want := range []string{"from outside\n", "ping\n"} {
			if got, err := lines.ReadString('\n'); got != want {
				t.Fatalf("got %q, %v", got, err)
			}
		}
		if err := p.Signal(syscall.SIGINT); err != nil {
			t.Fatal(err)
		}
		<-p.Done()
		out, err := p.Stop(t.Context(), time.Second)
		if err != nil || out.Exit != 0 || len(out.Stdout) != 0 || !strings.Contains(said.String(), "interrupted") {
			t.Errorf("%+v, %v, stderr %q", out, err, &said)
		}
		server.Close()
		outside.Close()
		<-served
		inW.Close()
		outR.Close()
	})
}
