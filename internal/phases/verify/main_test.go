package verify

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"go.uber.org/goleak"

	"github.com/seed-c331f47d/builder/internal/planner"
	"github.com/seed-c331f47d/builder/internal/sandbox"
	"github.com/seed-c331f47d/builder/internal/sandbox/ladder"
)

// actServer is the word under which this test binary is a server: act-server ADDRESS MODE.
const actServer = "act-server"

func TestMain(m *testing.M) {
	if exit, handled := ladder.Helper(os.Args); handled {
		os.Exit(exit)
	}
	if len(os.Args) > 3 && os.Args[1] == actServer {
		os.Exit(serveAs(os.Args[2], os.Args[3]))
	}
	goleak.VerifyTestMain(m)
}

// serveAs is a small shop that behaves, lies, dies, hangs or will not end.
func serveAs(address, mode string) int {
	fmt.Println("starting in mode", mode)
	if mode == "dead" {
		fmt.Fprintln(os.Stderr, "cannot open /nowhere")
		return 3
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	server := &http.Server{Addr: address, Handler: shop(mode)}
	go server.ListenAndServe()
	<-ctx.Done()
	if mode == "stubborn" {
		signal.Ignore(syscall.SIGTERM)
		select {}
	}
	if mode == "rude" {
		return 5
	}
	if err := server.Close(); err != nil {
		return 4
	}
	return 0
}

func shop(mode string) http.Handler {
	mux := http.NewServeMux()
	answer := func(w http.ResponseWriter, status int, body any) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		json.NewEncoder(w).Encode(body)
	}
	mux.HandleFunc("POST /tools", func(w http.ResponseWriter, r *http.Request) {
		var tool map[string]any
		if err := json.NewDecoder(r.Body).Decode(&tool); err != nil || tool["name"] == nil {
			answer(w, http.StatusBadRequest, map[string]any{"errors": map[string]string{"name": "required"}})
			return
		}
		tool["id"] = 7
		status := http.StatusCreated
		if mode == "liar" {
			status = http.StatusOK
		}
		answer(w, status, tool)
	})
	mux.HandleFunc("GET /tools/7", func(w http.ResponseWriter, r *http.Request) {
		switch mode {
		case "dies":
			os.Exit(9)
		case "hangs":
			<-r.Context().Done()
		}
		answer(w, http.StatusOK, map[string]any{"id": 7, "name": "Drill", "tags": []string{"a", "b"}, "asked": r.Header.Get("X-Role")})
	})
	return mux
}

// bench is a verifier with a tree of its own.
type bench struct {
	*Verifier
	tree string
}

// newBench confines as well as this machine can; files are the tree's, name to content.
func newBench(t *testing.T, files map[string]string) bench {
	t.Helper()
	tree, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range files {
		path := filepath.Join(tree, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	runner, _ := ladder.Measure(t.Context())
	profile := sandbox.Profile{Env: map[string]string{"PATH": tree + "/tools:/usr/bin:/bin"}, Read: []string{exe}}
	return bench{New(Config{Runner: runner, Profile: profile}), tree}
}

// run runs g and wants no error of ours.
func (b bench) run(t *testing.T, g planner.Gate) Report {
	t.Helper()
	g.ID = "g"
	report, err := b.Run(t.Context(), Request{Gate: g, Tree: b.tree, Project: "shop"})
	if err != nil {
		t.Fatal(err)
	}
	if report.Pass && (report.Vacuous || report.Feedback != "" || report.Signature != "") || !report.Pass && (report.Feedback == "" || report.Signature == "") {
		t.Errorf("incomplete report %+v", report)
	}
	if strings.Contains(report.Feedback, b.tree) || strings.Contains(report.Feedback, "/tmp/builder-") {
		t.Errorf("feedback names a path of this machine: %s", report.Feedback)
	}
	return report
}
