package ladder

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"

	"github.com/seed-c331f47d/builder/internal/sandbox"
)

// dialled is the helper's answer to a dial.
type dialled struct {
	file *os.File
	err  error
}

// errEnded answers dials to a command that has ended.
var errEnded = errors.New("the command has ended")

// Dial connects to a loopback address of the command. Where the command has a network of its own,
// the helper connects inside and hands the connection out: no byte is relayed, and nothing listens
// outside.
func (p *process) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	if err := loopback(network, address); err != nil {
		return nil, err
	}
	if !p.isolated {
		var d net.Dialer
		return d.DialContext(ctx, network, address)
	}
	id, answer := p.expect()
	if err := p.ask(request{Dial: id, Network: network, Address: address}); err != nil {
		p.forget(id, answer)
		return nil, fmt.Errorf("dial %s: %w", address, errEnded)
	}
	select {
	case got := <-answer:
		return got.conn(address)
	case <-p.done:
		p.forget(id, answer)
		return nil, fmt.Errorf("dial %s: %w", address, errEnded)
	case <-ctx.Done():
		p.forget(id, answer)
		return nil, fmt.Errorf("dial %s: %w", address, context.Cause(ctx))
	}
}

// loopback refuses addresses that are not the command's own.
func loopback(network, address string) error {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return fmt.Errorf("%w: dial %s: %w", sandbox.ErrCommand, address, err)
	}
	ip := net.ParseIP(host)
	known := network == "tcp" || network == "tcp4" || network == "tcp6"
	if !known || host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return fmt.Errorf("%w: dial %s %s: only TCP to the loopback", sandbox.ErrCommand, network, address)
	}
	return nil
}

// expect registers a dial.
func (p *process) expect() (int64, chan dialled) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.nextDial++
	answer := make(chan dialled, 1)
	p.dials[p.nextDial] = answer
	return p.nextDial, answer
}

// forget gives a dial up; a connection that has come or still comes is closed.
func (p *process) forget(id int64, answer chan dialled) {
	p.mu.Lock()
	delete(p.dials, id)
	p.mu.Unlock()
	select {
	case got := <-answer:
		got.drop()
	default:
	}
}

// answer hands an answer to the dial that waits for it.
func (p *process) answer(e event, file *os.File) {
	got := dialled{file: file}
	if e.Error != "" {
		got.err = errors.New(e.Error)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if waiting, ok := p.dials[e.Dial]; ok {
		delete(p.dials, e.Dial)
		waiting <- got
		return
	}
	got.drop()
}

// conn makes a connection of the answer.
func (d dialled) conn(address string) (net.Conn, error) {
	if d.err != nil {
		return nil, fmt.Errorf("dial %s: %w", address, d.err)
	}
	if d.file == nil {
		return nil, fmt.Errorf("dial %s: no connection came", address)
	}
	conn, err := net.FileConn(d.file)
	if err != nil {
		return nil, closeWith(d.file, fmt.Errorf("dial %s: %w", address, err))
	}
	return conn, d.file.Close()
}

// drop closes a connection that nobody wants.
func (d dialled) drop() {
	if d.file != nil {
		_ = d.file.Close() // never used
	}
}
