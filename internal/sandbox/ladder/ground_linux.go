package ladder

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"time"

	"github.com/seed-c331f47d/builder/internal/sandbox"
)

// ground is where attempts are aimed: files, sockets and listeners of the supervisor.
type ground struct {
	target
	temp   *sandbox.Temp
	root   string
	tcp    net.Listener
	udp    net.PacketConn
	unix   []net.Listener
	secret []byte
}

// homeFiles is how many files of the home are tried.
const homeFiles = 16

// newGround lays the ground below the system's place for temporary files.
func newGround() (*ground, error) {
	temp, err := sandbox.NewTemp("probe")
	if err != nil {
		return nil, fmt.Errorf("lay probing ground: %w", err)
	}
	g := &ground{temp: temp, root: temp.Path, secret: []byte("canary of " + temp.Path)}
	if err := g.lay(); err != nil {
		return nil, errors.Join(fmt.Errorf("lay probing ground: %w", err), g.close())
	}
	return g, nil
}

// lay makes what is aimed at.
func (g *ground) lay() error {
	g.Outside, g.Scratch = filepath.Join(g.root, "outside"), filepath.Join(g.root, "scratch")
	for _, dir := range []string{g.Outside, g.Scratch} {
		if err := os.Mkdir(dir, 0o700); err != nil {
			return err
		}
	}
	if err := os.WriteFile(filepath.Join(g.Outside, canaryFile), g.secret, 0o600); err != nil {
		return err
	}
	if err := g.listen(); err != nil {
		return err
	}
	space, err := os.Readlink("/proc/self/ns/pid")
	if err != nil {
		return err
	}
	g.PID, g.Spaces, g.Home = os.Getpid(), space, readableHome()
	return nil
}

// listen opens what is connected to. Connections wait in the backlog; nothing accepts them.
func (g *ground) listen() error {
	var err error
	if g.tcp, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		return err
	}
	if g.udp, err = net.ListenPacket("udp", "127.0.0.1:0"); err != nil {
		return err
	}
	g.TCP, g.UDP = g.tcp.Addr().String(), g.udp.LocalAddr().String()
	g.Abstract = fmt.Sprintf("@builder-%d-%s", os.Getpid(), filepath.Base(g.root))
	outside, err := os.Open(g.Outside)
	if err != nil {
		return err
	}
	defer func() { _ = outside.Close() }()                               // opened for its name only
	near := fmt.Sprintf("/proc/self/fd/%d/%s", outside.Fd(), socketFile) // an address has at most 107 bytes, and TMPDIR may be longer
	for _, address := range []string{g.Abstract, near} {
		listener, err := net.ListenUnix("unix", &net.UnixAddr{Name: address, Net: "unix"})
		if err != nil {
			return err
		}
		listener.SetUnlinkOnClose(false) // near names another file by then; the folder goes as a whole
		g.unix = append(g.unix, listener)
	}
	return nil
}

// readableHome lists files of the user's home that this process can read.
func readableHome() []string {
	home, err := os.UserHomeDir()
	if err != nil {
		return nil
	}
	if home, err = filepath.EvalSymlinks(home); err != nil {
		return nil
	}
	entries, err := os.ReadDir(home)
	if err != nil {
		return nil
	}
	var files []string
	for _, e := range entries {
		if e.Type().IsRegular() && len(files) < homeFiles {
			files = append(files, filepath.Join(home, e.Name()))
		}
	}
	return files
}

// verify corrects the prober's report by what is seen from outside.
func (g *ground) verify(probes []Probe) []Probe {
	canary := filepath.Join(g.Outside, canaryFile)
	content, readErr := os.ReadFile(canary)
	info, statErr := os.Stat(canary)
	_, plantedErr := os.Lstat(filepath.Join(g.Outside, newFile))
	broken := map[string]bool{
		"truncate-outside": readErr != nil || string(content) != string(g.secret),
		"chmod-outside":    statErr != nil || info.Mode().Perm() != 0o600,
		"write-outside":    plantedErr == nil,
		"send-to-host":     g.datagramCame(),
	}
	for i, p := range probes {
		if p.Held && broken[p.Name] {
			probes[i].Held, probes[i].Detail = false, "it worked, seen from outside"
		}
	}
	return probes
}

// datagramCame says whether one waits; loopback delivers at once.
func (g *ground) datagramCame() bool {
	if err := g.udp.SetReadDeadline(time.Now().Add(time.Millisecond)); err != nil {
		return true // cannot look: believe the worst
	}
	_, _, err := g.udp.ReadFrom(make([]byte, 1))
	return err == nil
}

// close clears the ground.
func (g *ground) close() error {
	var errs []error
	if g.tcp != nil {
		errs = append(errs, g.tcp.Close())
	}
	if g.udp != nil {
		errs = append(errs, g.udp.Close())
	}
	for _, listener := range g.unix {
		errs = append(errs, listener.Close())
	}
	return errors.Join(append(errs, g.temp.Remove())...)
}
