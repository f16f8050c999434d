package gen_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"github.com/seed-c331f47d/builder/internal/agent/offline/blueprint"
	"github.com/seed-c331f47d/builder/internal/agent/offline/gen"
	"github.com/seed-c331f47d/builder/internal/agent/offline/unit"
)

// Beside NAME.md may stand NAME.more: steps that the spec does not show and that follow from it.

// Every spec is generated, vetted, tested and built for real, and its acceptance steps are sent
// to the running service.
func TestRestAPIPassesItsAcceptance(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("builds and runs programs")
	}
	specs, err := filepath.Glob("testdata/*.md")
	if err != nil || len(specs) < 5 {
		t.Fatalf("found %d specs, %v", len(specs), err)
	}
	for _, spec := range append(specs, "../../../../specs/rest-api.md") {
		t.Run(strings.TrimSuffix(filepath.Base(spec), ".md"), func(t *testing.T) {
			raw, err := os.ReadFile(spec)
			if err != nil {
				t.Fatal(err)
			}
			bp := blueprint.Read(string(raw))
			if more, err := os.ReadFile(strings.TrimSuffix(spec, ".md") + ".more"); err == nil {
				bp.Acceptance = append(bp.Acceptance, blueprint.Block{Lang: "http", Text: strings.TrimSpace(string(more))})
			}
			accept(t, bp)
		})
	}
}

func accept(t *testing.T, bp *blueprint.Blueprint) {
	t.Helper()
	for _, u := range append(bp.Unknown, gen.Unknown(bp)...) {
		if bp.Name != "aquarium" || !strings.Contains(u.Text, "sing") && !strings.Contains(u.Text, "fat") {
			t.Errorf("line %d is not understood: %s", u.Line, u.Why)
		}
	}
	units, err := gen.RestAPI(bp)
	if err != nil {
		t.Fatal(err)
	}
	var files []unit.File
	for _, u := range units {
		files = append(files, u.Files...)
	}
	dir := lay(t, files)
	goRun(t, dir, "vet", "./...")
	goRun(t, dir, "test", "./...")
	goRun(t, dir, "build", "-o", "bin/", "./...")
	bins, err := filepath.Glob(filepath.Join(dir, "bin", "*"))
	if err != nil || len(bins) != 1 {
		t.Fatalf("built %v, %v", bins, err)
	}
	if len(bp.Running) == 0 {
		bp.Running = []string{"x", "serve", "--addr", "HOST:PORT", "--data", "DIR"}
	}
	proof := blueprint.Block{Lang: "http", Text: strings.Join(gen.Proof(bp), "\n")}
	if strings.Count(proof.Text, "\n") < 5 {
		t.Errorf("the proof has too few steps: %s", proof.Text)
	}
	for _, block := range append(bp.Acceptance, proof) {
		base := start(t, bins[0], bp.Running)
		play(t, base, block)
	}
}

// start runs the service on a free port over an empty folder and gives its address.
func start(t *testing.T, bin string, running []string) string {
	t.Helper()
	data := t.TempDir()
	args := []string{}
	for _, w := range running[1:] {
		w = strings.NewReplacer("HOST:PORT", "127.0.0.1:0", "DIR", data, "FILE", filepath.Join(data, "x.db")).Replace(w)
		if w == "PORT" {
			w = freePort(t)
		}
		args = append(args, w)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cmd := exec.CommandContext(ctx, bin, args...)
	cmd.Dir = data
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	log, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var said bytes.Buffer
	buf := make([]byte, 256)
	for !strings.Contains(said.String(), "\n") {
		n, err := log.Read(buf)
		said.Write(buf[:n])
		if err != nil {
			t.Fatalf("%s %q ended: %s", bin, args, said.String())
		}
	}
	t.Cleanup(func() {
		cancel()
		rest, _ := io.ReadAll(log)
		if err := cmd.Wait(); err != nil && ctx.Err() == nil {
			t.Errorf("stopped with %v: %s", err, rest)
		}
		if code := cmd.ProcessState.ExitCode(); code != 0 {
			t.Errorf("exit code %d after SIGTERM: %s", code, rest)
		}
	})
	_, base, _ := strings.Cut(strings.TrimSpace(said.String()), "listening on ")
	return base
}

func freePort(t *testing.T) string {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	return port
}

var stepLine = regexp.MustCompile(`^([A-Z]+) (\S+)(?: (.*?))? -> (\d{3})(?: (.*))?$`)

// play sends the steps of a block; "$name" in an expectation keeps a value, elsewhere it is put in.
func play(t *testing.T, base string, block blueprint.Block) {
	t.Helper()
	values := map[string]string{}
	put := func(s string) string {
		return regexp.MustCompile(`\$[a-z]\w*`).ReplaceAllStringFunc(s, func(v string) string {
			if known, ok := values[v]; ok {
				return known
			}
			return v
		})
	}
	for _, line := range strings.Split(block.Text, "\n") {
		m := stepLine.FindStringSubmatch(line)
		if m == nil {
			if strings.TrimSpace(line) != "" && !strings.HasPrefix(line, "#") {
				t.Errorf("not a step: %s", line)
			}
			continue
		}
		req, err := http.NewRequestWithContext(t.Context(), m[1], base+put(m[2]), strings.NewReader(put(m[3])))
		if err != nil {
			t.Fatal(err)
		}
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(res.Body)
		if err != nil || res.Body.Close() != nil {
			t.Fatal(err)
		}
		if fmt.Sprint(res.StatusCode) != m[4] {
			t.Errorf("%s: got %d %s", line, res.StatusCode, body)
			continue
		}
		if m[5] == "" {
			continue
		}
		var want, got any
		if err := json.Unmarshal([]byte(m[5]), &want); err != nil {
			t.Errorf("%s: %v", line, err)
			continue
		}
		if err := json.Unmarshal(body, &got); err != nil {
			t.Errorf("%s: got %s", line, body)
			continue
		}
		if why := contains(got, want, values); why != "" {
			t.Errorf("%s:\n%s in %s", line, why, body)
		}
	}
}

// contains says why got does not hold want, "" when it does.
func contains(got, want any, values map[string]string) string {
	switch w := want.(type) {
	case map[string]any:
		g, ok := got.(map[string]any)
		if !ok {
			return fmt.Sprintf("%v is no object", got)
		}
		for k, v := range w {
			if _, ok := g[k]; !ok {
				return "no key " + k
			}
			if why := contains(g[k], v, values); why != "" {
				return k + ": " + why
			}
		}
		return ""
	case []any:
		g, ok := got.([]any)
		if !ok || len(g) != len(w) {
			return fmt.Sprintf("%v is no list of %d", got, len(w))
		}
		for i := range w {
			if why := contains(g[i], w[i], values); why != "" {
				return why
			}
		}
		return ""
	case string:
		if strings.HasPrefix(w, "$") {
			if known, ok := values[w]; !ok {
				values[w] = fmt.Sprint(got)
				return ""
			} else if fmt.Sprint(got) == known {
				return ""
			}
		}
	}
	if fmt.Sprint(got) != fmt.Sprint(want) || (got == nil) != (want == nil) {
		return fmt.Sprintf("got %v, want %v", got, want)
	}
	return ""
}
