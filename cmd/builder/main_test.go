package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/seed-c331f47d/builder/internal/agent/offline"
	"github.com/seed-c331f47d/builder/internal/budget"
	"github.com/seed-c331f47d/builder/internal/sandbox/ladder"
)

func TestMain(m *testing.M) {
	if code, handled := ladder.Helper(os.Args); handled {
		os.Exit(code)
	}
	testscript.Main(cachedRun{m}, map[string]func(){
		"builder": func() { os.Exit(Main(os.Args, os.Environ(), os.Stdin, os.Stdout, os.Stderr)) },
		"asker":   asker,
	})
}

// cachedRun gives all tests one folder for caches, so that Go's library is compiled once, and not in
// every run. What builds leave beside the caches is swept when it is old: other runs may be going on.
type cachedRun struct{ m *testing.M }

// kept is how long scratch folders of test runs stay.
const kept = time.Hour

// faultyDir is where builder with its fault points was built for this run; "" when it was not.
var faultyDir string

const cacheVariable = "BUILDER_TEST_CACHE"

// Run implements testscript.TestingM.
func (c cachedRun) Run() int {
	base, err := os.UserCacheDir()
	if err != nil {
		base = os.TempDir()
	}
	dir := filepath.Join(base, "builder-tests")
	defer sweepCache(filepath.Join(dir, "builder"))
	if err := os.Setenv(cacheVariable, dir); err != nil {
		panic(err)
	}
	defer func() {
		if faultyDir != "" {
			_ = os.RemoveAll(faultyDir) // in the place for temporary files
		}
	}()
	return c.m.Run()
}

// TestScripts runs the black-box scripts: real git, real journal, real commands, the offline model.
func TestScripts(t *testing.T) {
	if testing.Short() {
		t.Skip("scripts build real programs")
	}
	t.Parallel()
	world := sharedWorld(t)
	testscript.Run(t, testscript.Params{
		Dir:   "testdata/script",
		Setup: func(e *testscript.Env) error { return world.into(e) },
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"serve":  cmdServe,
			"ledger": cmdLedger,
			"bill":   cmdBill,
			"mode":   cmdMode,
			"exits":  cmdExits,
		},
		RequireExplicitExec: true,
		UpdateScripts:       os.Getenv("UPDATE_SCRIPTS") != "",
	})
}

// scriptWorld is what scripts share: caches of toolchains, so that Go's library is compiled once.
type scriptWorld struct{ cache, modules string }

func sharedWorld(t *testing.T) scriptWorld {
	t.Helper()
	out, err := exec.Command("go", "env", "GOMODCACHE").Output()
	if err != nil {
		t.Fatal(err)
	}
	return scriptWorld{cache: sharedCache(t), modules: strings.TrimSpace(string(out))}
}

// sharedCache is the folder for caches of this run.
func sharedCache(t *testing.T) string {
	t.Helper()
	dir := os.Getenv(cacheVariable)
	if dir == "" {
		t.Fatal("the tests did not start in TestMain")
	}
	return dir
}

// sweepCache removes the scratch folders of builds, and leaves the caches of toolchains.
func sweepCache(dir string) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return // there was no build
	}
	for _, e := range entries {
		if info, err := e.Info(); err == nil && e.Name() != "toolchains" && time.Since(info.ModTime()) > kept {
			removeAll(filepath.Join(dir, e.Name()))
		}
	}
}

// removeAll also removes module caches, whose folders are read-only.
func removeAll(dir string) {
	_ = filepath.WalkDir(dir, func(p string, d os.DirEntry, err error) error {
		if err == nil && d.IsDir() {
			_ = os.Chmod(p, 0o700)
		}
		return nil
	})
	_ = os.RemoveAll(dir)
}

func (w scriptWorld) into(e *testscript.Env) error {
	specs, err := filepath.Abs("../../specs")
	if err != nil {
		return err
	}
	for k, v := range map[string]string{
		"HOME": filepath.Join(e.WorkDir, "home"), "XDG_CACHE_HOME": w.cache, "XDG_STATE_HOME": filepath.Join(e.WorkDir, "state"),
		"XDG_CONFIG_HOME": filepath.Join(e.WorkDir, "config"), "GOMODCACHE": w.modules, "SPECS": specs, "NO_COLOR": "1", "TERM": "dumb",
		"GIT_CONFIG_NOSYSTEM": "1",
	} {
		e.Setenv(k, v)
	}
	return os.MkdirAll(filepath.Join(e.WorkDir, "home"), 0o755)
}

// cmdServe offers the offline model on the loopback: serve NAME [MODEL]. $NAME is its address.
func cmdServe(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 1 || len(args) > 2 {
		ts.Fatalf("usage: serve NAME [MODEL]")
	}
	o := offline.Options{}
	if len(args) == 2 {
		o.As = args[1]
	}
	srv := httptest.NewServer(offline.Handler(o))
	ts.Defer(srv.Close)
	ts.Setenv(args[0], srv.URL)
}

// cmdLedger prints what a served model billed: ledger URL.
func cmdLedger(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: ledger URL")
	}
	l, err := readLedger(context.Background(), args[0])
	ts.Check(err)
	raw, err := json.MarshalIndent(l, "", "  ")
	ts.Check(err)
	_, err = fmt.Fprintf(ts.Stdout(), "%s\n", raw)
	ts.Check(err)
}

// cmdBill holds what a served model billed against what builds spent and nothing else did, to the
// micro-dollar: bill URL DIR... Of a plan made before, its cost counts too.
func cmdBill(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: bill URL DIR...")
	}
	ctx := context.Background()
	l, err := readLedger(ctx, args[0])
	ts.Check(err)
	table, err := budget.LoadTable()
	ts.Check(err)
	var billed, spent budget.Micro
	for _, r := range l.Requests {
		price, err := table.Lookup(r.Model, time.Now())
		ts.Check(err)
		u := r.Usage
		billed += price.Cost(budget.Usage{Input: u.Input, CacheWrite5m: u.CacheWrite5m, CacheWrite1h: u.CacheWrite1h, CacheRead: u.CacheRead, Output: u.Output})
	}
	for _, dir := range args[1:] {
		f, err := openFolder(ts.MkAbs(dir))
		ts.Check(err)
		st, _, err := readStatus(ctx, f)
		ts.Check(err)
		if b := st.Budget; b.Unknown != 0 || b.Held != 0 || b.Spent > b.Cap {
			ts.Fatalf("%s: %+v", dir, b)
		}
		spent += budget.Micro(st.Budget.Spent)
		for _, d := range st.Drafted {
			spent += d.Spent
		}
	}
	if billed != spent || billed == 0 {
		ts.Fatalf("the model billed %s, %s is spent", billed, spent)
	}
}

func readLedger(ctx context.Context, url string) (offline.Ledger, error) {
	var l offline.Ledger
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url+"/_ledger", nil)
	if err != nil {
		return l, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return l, err
	}
	defer resp.Body.Close()
	return l, json.NewDecoder(resp.Body).Decode(&l)
}

// cmdMode sets permissions: mode 0000 FILE.
func cmdMode(ts *testscript.TestScript, neg bool, args []string) {
	var perm uint32
	if neg || len(args) != 2 {
		ts.Fatalf("usage: mode OCTAL FILE")
	}
	_, err := fmt.Sscanf(args[0], "%o", &perm)
	ts.Check(err)
	ts.Check(os.Chmod(ts.MkAbs(args[1]), os.FileMode(perm)))
}

// cmdExits runs a command and wants one exit code: exits CODE COMMAND...
func cmdExits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE COMMAND...")
	}
	err := ts.Exec(args[1], args[2:]...)
	code := 0
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit):
		code = exit.ExitCode()
	case err != nil:
		ts.Fatalf("run %s: %v", args[1], err)
	}
	if strconv.Itoa(code) != args[0] {
		ts.Fatalf("exit code %d, want %s", code, args[0])
	}
}
