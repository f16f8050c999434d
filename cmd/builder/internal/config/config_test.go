package config

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
)

func write(t *testing.T, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "c.yaml")
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestLayersInOrder(t *testing.T) {
	t.Parallel()
	c, err := Load(Sources{
		User:    write(t, "model: from-user\nbudget: {usd: 7}\nmax_time: 2h\nworkers: 8\n"),
		Project: write(t, "model: from-project\nbudget: {usd: 3}\nworkers: 2\n"),
		Environ: []string{"BUILDER_MODEL=from-env", "BUILDER_MAX_TIME=1h", "OTHER=x"},
	})
	if err != nil {
		t.Fatal(err)
	}
	if c.Model != "from-env" || *c.Budget.USD != 3 || c.MaxTime != time.Hour || c.Workers != 2 || c.Attempts != 3 {
		t.Errorf("got %+v, usd %v", c, *c.Budget.USD)
	}
}

// A project's file comes with the workspace: whatever it says, nothing gets wider.
func TestProjectNeverWidens(t *testing.T) {
	t.Parallel()
	user := "budget: {usd: 1, tokens: 1000}\nmax_time: 1h\nworkers: 1\nattempts: 1\n"
	c, err := Load(Sources{User: write(t, user), Project: write(t, "budget: {usd: 500, tokens: 900000}\nmax_time: 90h\nworkers: 99\nattempts: 9\n")})
	if err != nil {
		t.Fatal(err)
	}
	if *c.Budget.USD != 1 || c.Budget.Tokens != 1000 || c.MaxTime != time.Hour || c.Workers != 1 || c.Attempts != 1 {
		t.Errorf("a project widened: %+v, usd %v", c, *c.Budget.USD)
	}
	for _, bad := range []string{"provider: anthropic", "base_url: https://evil.example", "sandbox: \"off\"", "engine: native", "prices: [{model: x, input: 0, output: 0}]", "models: {planner: x}", "escalate: x", "fallback: [x]", "billing: subscription", "min_free: 1KiB", "claude_cli: /tmp/evil"} {
		var e *Error
		if _, err := Load(Sources{Project: write(t, bad+"\n")}); !errors.As(err, &e) || e.Code != "E_CONFIG_FORBIDDEN" {
			t.Errorf("%s: got %v", bad, err)
		}
	}
}

func TestFaultsHaveCodePlaceAndHint(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ content, code, where string }{
		{"modle: x\n", "E_CONFIG_UNKNOWN_KEY", ":1"},
		{"model: a\nmodel: b\n", "E_CONFIG_DUP_KEY", ":2"},
		{"budget: [\n", "E_CONFIG_PARSE", ""},
		{"workers: many\n", "E_CONFIG_PARSE", ":1"},
		{"workers: -1\n", "E_CONFIG_RANGE", ""},
		{"budget: {usd: -1}\n", "E_BUDGET_INVALID", ""},
		{"budget: {usd: .nan}\n", "E_BUDGET_INVALID", ""},
		{"author: nobody\n", "E_CONFIG_RANGE", ""},
		{"prices: [{model: x, input: 1}]\n", "E_PRICE_INVALID", "prices[0]"},
		{"model: a\n---\nmodel: b\n", "E_CONFIG_PARSE", ""},
		{"a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c]\ne: [*d,*d,*d,*d,*d,*d,*d,*d,*d]\n", "E_CONFIG_", ""},
	} {
		_, err := Load(Sources{User: write(t, c.content)})
		var e *Error
		if !errors.As(err, &e) || !strings.HasPrefix(e.Code, c.code) || !strings.Contains(e.Where, c.where) || e.Hint == "" {
			t.Errorf("%q: got %+v", c.content, err)
		}
	}
}

// The published schema names exactly the keys that are read.
func TestSchemaIsTrue(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile("../../config.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	var schema struct {
		Properties map[string]struct {
			Properties map[string]any
			Items      struct{ Properties map[string]any }
		}
	}
	if err := json.Unmarshal(raw, &schema); err != nil {
		t.Fatal(err)
	}
	check := func(typ reflect.Type, has func(string) bool, n int) {
		for i := range typ.NumField() {
			key, _, _ := strings.Cut(typ.Field(i).Tag.Get("yaml"), ",")
			if !has(key) {
				t.Errorf("the schema lacks %s.%s", typ.Name(), key)
			}
		}
		if n != typ.NumField() {
			t.Errorf("the schema has %d keys for %s, which has %d", n, typ.Name(), typ.NumField())
		}
	}
	in := func(m map[string]any) func(string) bool { return func(k string) bool { _, ok := m[k]; return ok } }
	check(reflect.TypeFor[Config](), func(k string) bool { _, ok := schema.Properties[k]; return ok }, len(schema.Properties))
	models := schema.Properties["models"].Properties
	check(reflect.TypeFor[Models](), in(models), len(models))
	budget, prices := schema.Properties["budget"].Properties, schema.Properties["prices"].Items.Properties
	check(reflect.TypeFor[Budget](), in(budget), len(budget))
	check(reflect.TypeFor[Price](), in(prices), len(prices))
}

func FuzzLoad(f *testing.F) {
	f.Add("model: x\nbudget: {usd: 3}\n")
	f.Add("prices: [{model: m, input: 1, output: 2}]")
	f.Fuzz(func(t *testing.T, content string) {
		path := filepath.Join(t.TempDir(), "c.yaml")
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		c, err := Load(Sources{User: path})
		var e *Error
		if err != nil && !errors.As(err, &e) {
			t.Fatalf("an error without a code: %v", err)
		}
		if err == nil && c.Check("again") != nil {
			t.Fatal("what was read is out of range")
		}
	})
}

func TestBytes(t *testing.T) {
	t.Parallel()
	for s, want := range map[string]int64{"0": 0, "17": 17, "16KiB": 16 << 10, "64 MiB": 64 << 20, "2GiB": 2 << 30} {
		if got, ok := Bytes(s); !ok || got != want {
			t.Errorf("%q: %d, %t", s, got, ok)
		}
	}
	for _, bad := range []string{"", "-1", "1.5MiB", "1MB", "MiB", "9999999999GiB", "1KiBKiB"} {
		if got, ok := Bytes(bad); ok {
			t.Errorf("%q is %d", bad, got)
		}
	}
}
