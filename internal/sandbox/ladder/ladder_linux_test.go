package ladder

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/seed-c331f47d/builder/internal/sandbox"
)

// eachRung runs a test on every rung that works here.
func eachRung(t *testing.T, test func(t *testing.T, r rung)) {
	t.Helper()
	for _, r := range append(rungs(), unconfined{}) {
		t.Run(string(r.name()), func(t *testing.T) {
			t.Parallel()
			if _, err := run(t, r, sandbox.Command{Argv: []string{"true"}}); err != nil {
				t.Skipf("not available here: %v", err)
			}
			test(t, r)
		})
	}
}

// run fills in a scratch folder where the command has none.
func run(t *testing.T, r rung, c sandbox.Command) (sandbox.Output, error) {
	t.Helper()
	return runner{rung: r}.Run(t.Context(), inScratch(t, c))
}

func inScratch(t *testing.T, c sandbox.Command) sandbox.Command {
	t.Helper()
	if c.Dir == "" {
		c.Dir = t.TempDir()
	}
	c.Policy.Write = append(c.Policy.Write, c.Dir)
	return c
}

// sh runs a script and wants it to succeed.
func sh(t *testing.T, r rung, c sandbox.Command, script string) string {
	t.Helper()
	c.Argv = []string{"sh", "-c", script}
	out, err := run(t, r, c)
	if err != nil || out.Exit != 0 {
		t.Fatalf("%s: exit %d %s %v\n%s%s", script, out.Exit, out.Signal, err, out.Stdout, out.Stderr)
	}
	return string(out.Stdout)
}

func self2(t *testing.T) string {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return exe
}

// Every attempt to break out, on every rung: what holds is what the level says.
func TestBreakout(t *testing.T) {
	t.Parallel()
	eachRung(t, func(t *testing.T, r rung) {
		probes, err := attack(t.Context(), r)
		if err != nil {
			t.Fatal(err)
		}
		if len(probes) != len(attempts()) {
			t.Fatalf("%d attempts made, want %d", len(probes), len(attempts()))
		}
		want := map[Mechanism]sandbox.Level{Bubblewrap: sandbox.Full, Namespaces: sandbox.Full, Landlock: sandbox.FilesOnly, Nothing: sandbox.None}
		if got := level(probes); got != want[r.name()] {
			t.Errorf("level %s, want %s: %v", got, want[r.name()], Report{Probes: probes}.Holes())
		}
		if r.name() == Landlock {
			for _, p := range probes {
				if !p.Held && p.Aspect != Metadata && p.Aspect != Network {
					t.Errorf("%s got through: %s", p.Name, p.Detail)
				}
			}
		}
	})
}

// The same from an account without any privilege.
func TestAsNobody(t *testing.T) {
	t.Parallel()
	if os.Getuid() != 0 {
		t.Skip("only root can become somebody else")
	}
	public, err := os.MkdirTemp("/var/tmp", "builder-nobody-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(public) })
	binary, err := os.ReadFile(self2(t))
	if err != nil {
		t.Fatal(err)
	}
	exe := filepath.Join(public, "ladder.test")
	if err := errors.Join(os.WriteFile(exe, binary, 0o755), os.Chmod(public, 0o755), os.Mkdir(public+"/tmp", 0o755), os.Chown(public+"/tmp", 65534, 65534)); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), exe, "-test.run=^(TestBreakout|TestTree|TestForbiddenCalls|TestNothingIsLeft|TestDial|TestHelperIsHidden|TestForkBomb)$", "-test.v")
	cmd.Dir, cmd.Env = public, []string{"PATH=" + os.Getenv("PATH"), "TMPDIR=" + public + "/tmp", "HOME=" + public}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	out, err := cmd.CombinedOutput()
	for errors.Is(err, syscall.ETXTBSY) { // a child of another test still has the file that was written
		again := exec.CommandContext(t.Context(), exe, cmd.Args[1:]...)
		again.Dir, again.Env, again.SysProcAttr = cmd.Dir, cmd.Env, cmd.SysProcAttr
		out, err = again.CombinedOutput()
	}
	if err != nil || !bytes.Contains(out, []byte("--- PASS: TestBreakout")) {
		t.Errorf("%v\n%s", err, out)
	}
}

func TestForbiddenCalls(t *testing.T) {
	t.Parallel()
	eachRung(t, func(t *testing.T, r rung) {
		if r.name() == Nothing {
			t.Skip("nothing is refused")
		}
		exe := self2(t)
		out, err := run(t, r, sandbox.Command{Argv: []string{exe, actCalls}, Policy: sandbox.Policy{Read: []string{exe}}})
		if err != nil || out.Exit != 0 {
			t.Errorf("%v %s", err, out.Stderr)
		}
	})
}

// No variable of this process reaches a command, and no descriptor either.
func TestEnvironmentAndDescriptors(t *testing.T) {
	t.Parallel()
	eachRung(t, func(t *testing.T, r rung) {
		got := sh(t, r, sandbox.Command{Env: map[string]string{"GIVEN": "yes"}}, "env | sed 's/=.*//' | sort | tr '\\n' ' '; ls /proc/self/fd | wc -l")
		want := "CI GIT_CEILING_DIRECTORIES GIT_CONFIG_GLOBAL GIT_CONFIG_NOSYSTEM GIT_TERMINAL_PROMPT GIVEN HOME LANG LC_ALL NO_COLOR PATH PWD TERM TMPDIR "
		names, count, ok := cutLast(got)
		if !ok || strings.ReplaceAll(strings.ReplaceAll(names, "OLDPWD ", ""), "_ ", "") != want {
			t.Errorf("environment %q, want %q", names, want)
		}
		if count != "4" { // three streams and the folder that ls reads
			t.Errorf("%s descriptors are open, want 4", count)
		}
	})
}

func cutLast(text string) (names, count string, ok bool) {
	text = strings.TrimSpace(text)
	i := strings.LastIndexByte(text, ' ')
	if i < 0 {
		return "", "", false
	}
	return text[:i+1], strings.TrimSpace(text[i:]), true
}

// What is granted is there, as granted; home and temp are private and empty; the rest is not there.
func TestTree(t *testing.T) {
	t.Parallel()
	eachRung(t, func(t *testing.T, r rung) {
		scratch, readable := t.TempDir(), t.TempDir()
		if err := os.WriteFile(filepath.Join(readable, "given"), []byte("given"), 0o644); err != nil {
			t.Fatal(err)
		}
		c := sandbox.Command{Dir: scratch, Policy: sandbox.Policy{Read: []string{readable, "/not/there"}}}
		sh(t, r, c, "echo made > made && cat "+readable+"/given && test -z \"$(ls -A $HOME)\" && echo x > $HOME/x && echo x > $TMPDIR/x")
		if got, err := os.ReadFile(filepath.Join(scratch, "made")); err != nil || string(got) != "made\n" {
			t.Errorf("scratch holds %q, %v", got, err)
		}
		if r.name() == Nothing {
			return
		}
		for _, script := range []string{
			"echo x > " + readable + "/given", "rm " + readable + "/given", "echo x > /usr/x", "echo x > /x", "echo x > /etc/x",
			"cat /etc/shadow", "ls " + filepath.Dir(filepath.Dir(scratch)) + "/../root/.cache", "echo x > /proc/sys/kernel/core_pattern",
		} {
			out, err := run(t, r, sandbox.Command{Argv: []string{"sh", "-c", script}, Dir: scratch, Policy: c.Policy})
			if err != nil || out.Exit == 0 {
				t.Errorf("%s: exit %d, %v, %s", script, out.Exit, err, out.Stdout)
			}
		}
	})
}

// The helper has the command's uid: neither its memory nor its descriptors may be reached.
func TestHelperIsHidden(t *testing.T) {
	t.Parallel()
	eachRung(t, func(t *testing.T, r rung) {
		if r.name() == Nothing && os.Getuid() == 0 {
			t.Skip("root with all its privileges sees everything")
		}
		out, err := run(t, r, sandbox.Command{Argv: []string{"sh", "-c", "ls -l /proc/$PPID/fd/ || cat /proc/$PPID/environ"}})
		if err != nil || out.Exit == 0 {
			t.Errorf("exit %d, %v: %s", out.Exit, err, out.Stdout)
		}
	})
}

// lifeline is a named pipe that the command holds open for as long as any of it lives.
type lifeline struct {
	path string
	file *os.File
}

func newLifeline(t *testing.T, dir string) lifeline {
	t.Helper()
	path := filepath.Join(dir, "lifeline")
	if err := unix.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	file, err := os.OpenFile(path, os.O_RDONLY|unix.O_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { file.Close() })
	return lifeline{path, file}
}

// begins waits until the first holder says that it is up.
func (l lifeline) begins(t *testing.T) {
	t.Helper()
	if err := l.file.SetReadDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	for got := 0; got < len("up\n"); { // before a writer is there, the pipe is at its end
		n, err := l.file.Read(make([]byte, 3))
		if err != nil && !errors.Is(err, io.EOF) {
			t.Fatal(err)
		}
		got += n
	}
}

// ends waits for the last holder's death.
func (l lifeline) ends(t *testing.T) {
	t.Helper()
	if err := l.file.SetReadDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if rest, err := io.ReadAll(l.file); err != nil {
		t.Errorf("something still lives: %v after %q", err, rest)
	}
}

// holds is a script whose child, grandchild and runaway session hold the lifeline for ever.
const holds = "exec 9> lifeline; setsid sh -c 'sleep 3600 & sleep 3600' & (sleep 3600 &) ; echo up >&9; echo up; "

func TestNothingIsLeft(t *testing.T) {
	t.Parallel()
	for name, how := range map[string]struct {
		script string
		limits sandbox.Limits
		want   func(sandbox.Output) bool
	}{
		"command ends": {holds, sandbox.Limits{}, func(o sandbox.Output) bool { return o.Exit == 0 && !o.TimedOut }},
		"time is over": {holds + "exec sleep 3600", sandbox.Limits{Time: 300 * time.Millisecond}, func(o sandbox.Output) bool { return o.Exit == -1 && o.TimedOut && o.Signal != "" }},
		"it is killed": {holds + "kill -9 $$", sandbox.Limits{}, func(o sandbox.Output) bool { return o.Exit == -1 && !o.TimedOut && o.Signal == "killed" }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			eachRung(t, func(t *testing.T, r rung) {
				dir := t.TempDir()
				line := newLifeline(t, dir)
				out, err := run(t, r, sandbox.Command{Argv: []string{"sh", "-c", how.script}, Dir: dir, Limits: how.limits})
				if err != nil || !how.want(out) || string(out.Stdout) != "up\n" {
					t.Errorf("got %+v, %v", out, err)
				}
				line.ends(t)
			})
		})
	}
}

func TestCancelLeavesNothing(t *testing.T) {
	t.Parallel()
	eachRung(t, func(t *testing.T, r rung) {
		dir := t.TempDir()
		line := newLifeline(t, dir)
		reason := errors.New("enough")
		ctx, cancel := context.WithCancelCause(t.Context())
		defer cancel(nil)
		up := make(chan struct{})
		go func() {
			defer close(up)
			line.begins(t)
			cancel(reason)
		}()
		_, err := runner{rung: r}.Run(ctx, inScratch(t, sandbox.Command{Argv: []string{"sh", "-c", holds + "sleep 3600"}, Dir: dir}))
		if !errors.Is(err, reason) {
			t.Errorf("got %v, want the reason", err)
		}
		<-up
		line.ends(t)
	})
}

// A supervisor that is killed with -9 leaves nothing.
func TestSupervisorKilled(t *testing.T) {
	t.Parallel()
	eachRung(t, func(t *testing.T, r rung) {
		dir := t.TempDir()
		line := newLifeline(t, dir)
		order := fmt.Sprintf(`{"Argv":["sh","-c",%q],"Dir":%q,"Policy":{"Write":[%q]}}`, holds+"sleep 3600", dir, dir)
		supervisor := exec.CommandContext(t.Context(), self2(t), actSupervise, string(r.name()))
		supervisor.Stdin, supervisor.Env = strings.NewReader(order), []string{"TMPDIR=" + t.TempDir()}
		if err := supervisor.Start(); err != nil {
			t.Fatal(err)
		}
		line.begins(t)
		if err := supervisor.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = supervisor.Wait() // killed, as asked
		line.ends(t)
	})
}

func TestForkBomb(t *testing.T) {
	t.Parallel()
	eachRung(t, func(t *testing.T, r rung) {
		dir := t.TempDir()
		line := newLifeline(t, dir)
		script := "exec 9> lifeline; i=0; while [ $i -lt 400 ]; do sleep 3600 & i=$((i+1)); done; wait"
		if r.name() == Bubblewrap || r.name() == Namespaces {
			script = "exec 9> lifeline; f() { f | f & }; f; sleep 3600"
		}
		out, err := run(t, r, sandbox.Command{Argv: []string{"sh", "-c", script}, Dir: dir, Limits: sandbox.Limits{Processes: 40, Time: time.Minute}})
		if err != nil || out.Exceeded != "processes" {
			t.Errorf("got %+v, %v", out, err)
		}
		line.ends(t)
	})
}

func TestLimits(t *testing.T) {
	t.Parallel()
	eachRung(t, func(t *testing.T, r rung) {
		out, err := run(t, r, sandbox.Command{Argv: []string{"sh", "-c", "head -c 1000000000 /dev/zero"}, Limits: sandbox.Limits{Output: 1 << 20}})
		if err != nil || out.Exit != 0 || len(out.Stdout) != 1<<20 || out.Dropped != 1_000_000_000-1<<20 {
			t.Errorf("output: kept %d, dropped %d, exit %d, %v", len(out.Stdout), out.Dropped, out.Exit, err)
		}
		out, err = run(t, r, sandbox.Command{Argv: []string{"sh", "-c", "head -c 3000000 /dev/zero > big"}, Limits: sandbox.Limits{FileSize: 1 << 20}})
		if err != nil || out.Exit == 0 {
			t.Errorf("file size: %+v, %v", out, err)
		}
		out, err = run(t, r, sandbox.Command{Argv: []string{"sh", "-c", "head -c 600000000 /dev/zero | tail -c 500000000 | wc -c"}, Limits: sandbox.Limits{Memory: 128 << 20}})
		if err != nil || strings.TrimSpace(string(out.Stdout)) == "500000000" {
			t.Errorf("memory: %+v, %v", out, err)
		}
		if got := sh(t, r, sandbox.Command{}, "ulimit -c"); got != "0\n" {
			t.Errorf("core dumps up to %s", got)
		}
	})
}

func TestStreamsAndExits(t *testing.T) {
	t.Parallel()
	eachRung(t, func(t *testing.T, r rung) {
		out, err := run(t, r, sandbox.Command{Argv: []string{"sh", "-c", "cat; echo err >&2; exit 3"}, Stdin: strings.NewReader("in\n")})
		if err != nil || out.Exit != 3 || string(out.Stdout) != "in\n" || string(out.Stderr) != "err\n" || out.Signal != "" {
			t.Errorf("got %+v, %v", out, err)
		}
		out, err = run(t, r, sandbox.Command{Argv: []string{"sh", "-c", "echo 1; echo 2 >&2; echo 3"}, OneStream: true})
		if err != nil || string(out.Stdout) != "1\n2\n3\n" || len(out.Stderr) != 0 {
			t.Errorf("one stream: %+v, %v", out, err)
		}
		out, err = run(t, r, sandbox.Command{Argv: []string{"no-such-program"}})
		if err != nil || out.Exit != 127 || !bytes.Contains(out.Stderr, []byte("no-such-program: command not found")) {
			t.Errorf("not found: %+v, %v", out, err)
		}
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "data"), nil, 0o644); err != nil {
			t.Fatal(err)
		}
		out, err = run(t, r, sandbox.Command{Argv: []string{"./data"}, Dir: dir})
		if err != nil || out.Exit != 126 {
			t.Errorf("not executable: %+v, %v", out, err)
		}
	})
}

// A server on a loopback of its own is reached through Dial, and through nothing else.
func TestDial(t *testing.T) {
	t.Parallel()
	eachRung(t, func(t *testing.T, r rung) {
		free, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		address := free.Addr().String()
		if err := free.Close(); err != nil {
			t.Fatal(err)
		}
		exe := self2(t)
		p, err := runner{rung: r}.Start(t.Context(), inScratch(t, sandbox.Command{Argv: []string{exe, actServe, address}, Policy: sandbox.Policy{Read: []string{exe}}}))
		if err != nil {
			t.Fatal(err)
		}
		transport := &http.Transport{DisableKeepAlives: true, DialContext: p.Dial}
		if got := fetch(t, transport, address, p); got != "hello /x" {
			t.Errorf("got %q", got)
		}
		conn, err := net.DialTimeout("tcp", address, time.Second)
		outside := err == nil
		if outside {
			conn.Close()
		}
		if own := r.isolated(sandbox.Policy{}); outside == own {
			t.Errorf("reached from outside: %v; a network of its own: %v", outside, own)
		}
		if _, err := p.Dial(t.Context(), "tcp", "192.0.2.1:80"); !errors.Is(err, sandbox.ErrCommand) {
			t.Errorf("dialled a foreign address: %v", err)
		}
		out, err := p.Stop(t.Context(), 20*time.Second)
		if err != nil || out.Exit != 0 || string(out.Stdout) != "up\n" {
			t.Errorf("got %+v, %v", out, err)
		}
		if _, err := p.Dial(t.Context(), "tcp", address); err == nil {
			t.Error("dialled the dead")
		}
		if again, err := p.Stop(t.Context(), 0); err != nil || again.Exit != 0 {
			t.Errorf("second stop: %+v, %v", again, err)
		}
	})
}

// fetch asks until the server is up.
func fetch(t *testing.T, transport *http.Transport, address string, p sandbox.Process) string {
	t.Helper()
	for {
		response, err := (&http.Client{Transport: transport}).Get("http://" + address + "/x")
		if err == nil {
			body, err := io.ReadAll(response.Body)
			if err := errors.Join(err, response.Body.Close()); err != nil {
				t.Fatal(err)
			}
			return string(body)
		}
		select {
		case <-p.Done():
			out, err := p.Stop(t.Context(), 0)
			t.Fatalf("server ended: %+v, %v", out, err)
		default:
		}
	}
}

// A server that ignores SIGTERM is killed after its grace.
func TestStopKills(t *testing.T) {
	t.Parallel()
	eachRung(t, func(t *testing.T, r rung) {
		dir := t.TempDir()
		line := newLifeline(t, dir)
		p, err := runner{rung: r}.Start(t.Context(), inScratch(t, sandbox.Command{Argv: []string{"sh", "-c", "trap '' TERM; " + holds + "while :; do sleep 3600; done"}, Dir: dir}))
		if err != nil {
			t.Fatal(err)
		}
		line.begins(t)
		out, err := p.Stop(t.Context(), 100*time.Millisecond)
		if err != nil || !out.TimedOut || out.Exit != -1 {
			t.Errorf("got %+v, %v", out, err)
		}
		line.ends(t)
	})
}

func TestNetworkGranted(t *testing.T) {
	t.Parallel()
	eachRung(t, func(t *testing.T, r rung) {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer listener.Close()
		exe := self2(t)
		out, err := run(t, r, sandbox.Command{
			Argv: []string{exe, actServe, listener.Addr().String()}, Policy: sandbox.Policy{Network: true, Read: []string{exe}},
		})
		if err != nil || out.Exit != 1 || !bytes.Contains(out.Stderr, []byte("address already in use")) {
			t.Errorf("with the network granted the port must be taken: %+v, %v", out, err)
		}
	})
}

func TestRefusedCommands(t *testing.T) {
	t.Parallel()
	scratch := t.TempDir()
	r := runner{rung: namespaces{}}
	for name, c := range map[string]sandbox.Command{
		"missing folder":  {Argv: []string{"true"}, Dir: filepath.Join(scratch, "no"), Policy: sandbox.Policy{Write: []string{scratch}}},
		"folder outside":  {Argv: []string{"true"}, Dir: "/usr", Policy: sandbox.Policy{Write: []string{scratch}}},
		"system writable": {Argv: []string{"true"}, Dir: scratch, Policy: sandbox.Policy{Write: []string{scratch, "/usr/lib"}}},
		"etc writable":    {Argv: []string{"true"}, Dir: scratch, Policy: sandbox.Policy{Write: []string{scratch, "/etc"}}},
		"missing cache":   {Argv: []string{"true"}, Dir: scratch, Policy: sandbox.Policy{Write: []string{scratch, scratch + "x/no"}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if out, err := r.Run(t.Context(), c); err == nil {
				t.Errorf("ran: %+v", out)
			}
		})
	}
}

// A link planted where the agent may write leads a later grant nowhere: what lies below a writable
// folder is never mounted by itself.
func TestPlantedLink(t *testing.T) {
	t.Parallel()
	scratch := t.TempDir()
	if err := os.Symlink("/etc", filepath.Join(scratch, "cache")); err != nil {
		t.Fatal(err)
	}
	mounts, err := tree(sandbox.Policy{Write: []string{scratch, filepath.Join(scratch, "cache")}}, private{home: t.TempDir(), tmp: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	if i := slices.IndexFunc(mounts, func(m mount) bool { return m.Write && m.Source == "/etc" }); i >= 0 {
		t.Errorf("mounted %+v", mounts[i])
	}
}

func TestMeasure(t *testing.T) {
	t.Parallel()
	r, report := Measure(t.Context())
	if r.Level() != report.Level || report.String() == "" {
		t.Errorf("runner says %s, report %s", r.Level(), report)
	}
	if report.Mechanism == Landlock && report.Level == sandbox.Full {
		t.Error("Landlock alone is not full")
	}
}

// A socket's address has at most 107 bytes; where temporary folders are is no reason to find every
// wall missing, nor to find one that is not there.
func TestMeasureInAFarTMPDIR(t *testing.T) {
	want, _ := Measure(t.Context())
	far := filepath.Join(t.TempDir(), strings.Repeat("far-", 30))
	if err := os.Mkdir(far, 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("TMPDIR", far)
	got, report := Measure(t.Context())
	if got.Level() != want.Level() {
		t.Errorf("level %s, %s elsewhere: %+v", got.Level(), want.Level(), report)
	}
}

func TestLevel(t *testing.T) {
	t.Parallel()
	probe := func(a Aspect, held bool) Probe { return Probe{Aspect: a, Held: held} }
	for name, c := range map[string]struct {
		probes []Probe
		want   sandbox.Level
	}{
		"nothing tried": {nil, sandbox.None},
		"all held":      {[]Probe{probe(Files, true), probe(Network, true), probe(Processes, true), probe(Metadata, true)}, sandbox.Full},
		"network open":  {[]Probe{probe(Files, true), probe(Network, false)}, sandbox.FilesOnly},
		"modes open":    {[]Probe{probe(Files, true), probe(Metadata, false)}, sandbox.FilesOnly},
		"one file read": {[]Probe{probe(Files, true), probe(Files, false)}, sandbox.None},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := level(c.probes); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}

// No private folder outlives its run.
func TestPrivateFoldersGo(t *testing.T) {
	temp := t.TempDir()
	t.Setenv("TMPDIR", temp)
	_, err := runner{rung: unconfined{}}.Run(t.Context(), inScratch(t, sandbox.Command{Argv: []string{"sh", "-c", "mkdir -p $TMPDIR/a/b; chmod 0 $TMPDIR/a"}}))
	left, rerr := os.ReadDir(temp)
	if err != nil || rerr != nil {
		t.Fatal(err, rerr)
	}
	for _, e := range left {
		if strings.HasPrefix(e.Name(), "builder-held-run-") {
			t.Errorf("%s is left", e.Name())
		}
	}
}

// Whenever a run is cut, also while the helper is being started, nothing stays.
func TestCutAtAnyMoment(t *testing.T) {
	t.Parallel()
	eachRung(t, func(t *testing.T, r rung) {
		for cut := time.Millisecond; cut < 40*time.Millisecond; cut += 3 * time.Millisecond {
			dir := t.TempDir()
			line := newLifeline(t, dir)
			ctx, cancel := context.WithTimeout(t.Context(), cut)
			_, err := runner{rung: r}.Run(ctx, inScratch(t, sandbox.Command{Argv: []string{"sh", "-c", holds + "sleep 3600"}, Dir: dir}))
			cancel()
			if !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("cut after %s: %v", cut, err)
			}
			line.ends(t)
		}
	})
}
