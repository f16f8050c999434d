package agenttest

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// CrewMain serves a [Crew] on the loopback until SIGINT or SIGTERM, and returns its exit code. The
// first line it prints ends in its address. With -ledger FILE the bill is also added to the file, line
// by line as it grows.
func CrewMain(args []string, out, errw io.Writer) int {
	f := flag.NewFlagSet("crew", flag.ContinueOnError)
	f.SetOutput(errw)
	listen := f.String("listen", "127.0.0.1:0", "loopback address")
	latency := f.Duration("latency", 0, "wait this long before each answer")
	ledger := f.String("ledger", "", "add the bill to this file")
	if err := f.Parse(args); err != nil {
		return 2
	}
	if err := serveCrew(*listen, *latency, *ledger, out); err != nil {
		fmt.Fprintln(errw, "crew:", err)
		return 1
	}
	return 0
}

func serveCrew(listen string, latency time.Duration, ledger string, out io.Writer) (err error) {
	crew := &Crew{Latency: latency}
	if ledger != "" {
		file, err := os.OpenFile(ledger, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, file.Close()) }()
		crew.Journal = file
	}
	l, err := net.Listen("tcp", listen)
	if err != nil {
		return err
	}
	if host, ok := l.Addr().(*net.TCPAddr); !ok || !host.IP.IsLoopback() {
		return errors.Join(errors.New("it is served on loopback addresses only"), l.Close())
	}
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, os.Interrupt, syscall.SIGTERM)
	server := &http.Server{Handler: crew, ReadHeaderTimeout: 10 * time.Second}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(l) }()
	fmt.Fprintf(out, "listening on http://%s\n", l.Addr())
	<-stop
	err = server.Close()
	if served := <-ended; !errors.Is(served, http.ErrServerClosed) {
		err = errors.Join(err, served)
	}
	return err
}
