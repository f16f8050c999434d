// Package config reads the user's and the project's configuration and the environment.
//
// The rules are: flags > BUILDER_* environment > the project's builder.yaml > the user's
// config.yaml > defaults. Keys are strict. A project file may narrow what the user allows and never
// widen it: where text is sent, keys, prices and the sandbox are the user's alone.
package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"gopkg.in/yaml.v3"

	"github.com/seed-c331f47d/builder/internal/faultpoint"
)

// The engines.
const (
	Native     = "native"
	ClaudeCode = "claude-code"
)

// Config is what a build runs under. Zero values mean "not set" until Defaults are applied.
type Config struct {
	Engine   string        `yaml:"engine" json:"engine"`                     // native | claude-code
	Provider string        `yaml:"provider" json:"provider"`                 // offline | anthropic | openai
	Model    string        `yaml:"model" json:"model"`                       // exact id
	BaseURL  string        `yaml:"base_url,omitempty" json:"base_url"`       // user only
	API      string        `yaml:"api,omitempty" json:"api,omitempty"`       // of openai: responses | chat; "" by the address; user only
	Effort   string        `yaml:"effort,omitempty" json:"effort,omitempty"` // low | medium | high | xhigh | max
	Budget   Budget        `yaml:"budget" json:"budget"`
	MaxTime  time.Duration `yaml:"max_time,omitempty" json:"max_time"`
	Workers  int           `yaml:"workers" json:"workers"`
	Attempts int           `yaml:"attempts" json:"attempts"`
	Author   string        `yaml:"author" json:"author"`
	Sandbox  string        `yaml:"sandbox" json:"sandbox"` // required | off; user only
	Prices   []Price       `yaml:"prices,omitempty" json:"prices,omitempty"`
	Models   Models        `yaml:"models,omitempty" json:"models,omitzero"`           // user only
	Escalate string        `yaml:"escalate,omitempty" json:"escalate,omitempty"`      // model after a failed attempt; user only
	Billing  string        `yaml:"billing,omitempty" json:"billing,omitempty"`        // api-usd | subscription; user only
	Claude   string        `yaml:"claude_cli,omitempty" json:"claude_cli,omitempty"`  // path of the Claude Code CLI; "": claude on PATH; user only
	MinFree  string        `yaml:"min_free,omitempty" json:"min_free,omitempty"`      // of the disk, before a call is paid for, as in 64MiB; user only
	Fallback []string      `yaml:"fallback,omitempty,flow" json:"fallback,omitempty"` // models after an attempt that was not answered, in order; user only
}

// Models are the models of roles, where they are not the build's.
type Models struct {
	Planner  string `yaml:"planner,omitempty" json:"planner,omitempty"`
	Engineer string `yaml:"engineer,omitempty" json:"engineer,omitempty"`
	Reviewer string `yaml:"reviewer,omitempty" json:"reviewer,omitempty"`
	Writer   string `yaml:"writer,omitempty" json:"writer,omitempty"`
}

// ByRole are the roles that have a model of their own.
func (m Models) ByRole() map[string]string {
	var roles map[string]string
	for role, model := range map[string]string{"planner": m.Planner, "engineer": m.Engineer, "reviewer": m.Reviewer, "writer": m.Writer} {
		if model != "" {
			if roles == nil {
				roles = map[string]string{}
			}
			roles[role] = model
		}
	}
	return roles
}

// Budget is the cap. USD nil means not set.
type Budget struct {
	USD    *float64 `yaml:"usd,omitempty" json:"usd"`
	Tokens int64    `yaml:"tokens,omitempty" json:"tokens"`
}

// Price is a user's own price, in US dollars per million tokens. Cache classes that are not set
// cost what input costs.
type Price struct {
	Model      string   `yaml:"model" json:"model"`
	Input      *float64 `yaml:"input" json:"input"`
	Output     *float64 `yaml:"output" json:"output"`
	CacheRead  *float64 `yaml:"cache_read,omitempty" json:"cache_read,omitempty"`
	CacheWrite *float64 `yaml:"cache_write,omitempty" json:"cache_write,omitempty"`
	Window     int64    `yaml:"window,omitempty" json:"window,omitempty"`
	MaxOutput  int64    `yaml:"max_output,omitempty" json:"max_output,omitempty"`
}

// Error is a fault of a configuration: a stable code, the place, what is wrong, what to do.
type Error struct {
	Code, Where, What, Hint string
}

// Error says what and where.
func (e *Error) Error() string { return e.What + ", " + e.Where }

// Defaults returns what holds where nothing is set.
func Defaults() Config {
	ten := 10.0
	return Config{
		Engine: "native", Budget: Budget{USD: &ten}, Workers: 1, Attempts: 3,
		Author: "Builder <builder@localhost>", Sandbox: "required",
	}
}

// Sources are the places a configuration comes from, the weakest first.
type Sources struct {
	User    string   // path of config.yaml; may be missing
	Project string   // path of builder.yaml; may be missing
	Environ []string // BUILDER_* of it
	Must    bool     // the user's file must exist
}

// Load reads all sources and checks ranges. Flags are laid over the result by the caller, and
// Check runs again.
func Load(src Sources) (Config, error) {
	c := Defaults()
	user, err := readFile(src.User)
	if err != nil {
		return c, err
	}
	if src.Must && user == nil {
		return c, &Error{"E_CONFIG_READ", src.User, "there is no such file", "make one with: builder init"}
	}
	if err := overlay(&c, user, src.User); err != nil {
		return c, err
	}
	project, err := readFile(src.Project)
	if err != nil {
		return c, err
	}
	if err := narrow(&c, project, src.Project); err != nil {
		return c, err
	}
	if err := environ(&c, src.Environ); err != nil {
		return c, err
	}
	return c, c.Check("configuration")
}

// UserPath is where the user's configuration stands: $XDG_CONFIG_HOME/builder/config.yaml.
func UserPath(environ []string) string {
	if dir := lookup(environ, "XDG_CONFIG_HOME"); filepath.IsAbs(dir) {
		return filepath.Join(dir, "builder", "config.yaml")
	}
	return filepath.Join(lookup(environ, "HOME"), ".config", "builder", "config.yaml")
}

func lookup(environ []string, name string) string {
	for i := len(environ) - 1; i >= 0; i-- {
		if v, ok := strings.CutPrefix(environ[i], name+"="); ok {
			return v
		}
	}
	return ""
}

// maxFallback bounds the models that are fallen back on.
const maxFallback = 8

// maxFile bounds a configuration file.
const maxFile = 1 << 20

func readFile(path string) ([]byte, error) {
	if path == "" {
		return nil, nil
	}
	f, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, &Error{"E_CONFIG_READ", path, err.Error(), "make the file readable or remove it"}
	}
	defer f.Close()
	raw, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return nil, &Error{"E_CONFIG_READ", path, err.Error(), "make the file readable or remove it"}
	}
	if len(raw) > maxFile {
		return nil, &Error{"E_CONFIG_TOO_COMPLEX", path, "the file is larger than 1 MiB", "keep only configuration in it"}
	}
	return raw, nil
}

// overlay lays a file over c.
func overlay(c *Config, raw []byte, path string) error {
	if len(bytes.TrimSpace(raw)) == 0 {
		return nil
	}
	dec := yaml.NewDecoder(bytes.NewReader(raw))
	dec.KnownFields(true)
	if err := dec.Decode(c); err != nil && !errors.Is(err, io.EOF) {
		return parseError(err, path)
	}
	if err := dec.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		return &Error{"E_CONFIG_PARSE", path, "more than one YAML document", "keep one document"}
	}
	return c.Check(path)
}

// narrow lays a project's file over c, where it may only take away.
func narrow(c *Config, raw []byte, path string) error {
	var p Config
	if err := overlay(&p, raw, path); err != nil {
		return err
	}
	for key, set := range map[string]bool{"provider": p.Provider != "", "base_url": p.BaseURL != "", "api": p.API != "", "sandbox": p.Sandbox != "", "prices": p.Prices != nil, "engine": p.Engine != "", "models": p.Models != Models{}, "escalate": p.Escalate != "", "fallback": p.Fallback != nil, "billing": p.Billing != "", "min_free": p.MinFree != "", "claude_cli": p.Claude != ""} {
		if set {
			return &Error{"E_CONFIG_FORBIDDEN", path, "a project file may not set " + key, "set it in your own config.yaml (builder config show says where) or by a flag"}
		}
	}
	if p.Model != "" {
		c.Model = p.Model
	}
	if p.Effort != "" {
		c.Effort = p.Effort
	}
	if p.Author != "" {
		c.Author = p.Author
	}
	if p.Budget.USD != nil && (c.Budget.USD == nil || *p.Budget.USD < *c.Budget.USD) {
		c.Budget.USD = p.Budget.USD
	}
	if p.Budget.Tokens > 0 && (c.Budget.Tokens == 0 || p.Budget.Tokens < c.Budget.Tokens) {
		c.Budget.Tokens = p.Budget.Tokens
	}
	if p.MaxTime > 0 && (c.MaxTime == 0 || p.MaxTime < c.MaxTime) {
		c.MaxTime = p.MaxTime
	}
	if p.Workers > 0 {
		c.Workers = min(c.Workers, p.Workers)
	}
	if p.Attempts > 0 {
		c.Attempts = min(c.Attempts, p.Attempts)
	}
	return nil
}

// environ lays BUILDER_* variables over c. Unknown ones are refused: a typo must not go unseen.
func environ(c *Config, env []string) error {
	for _, kv := range env {
		name, value, _ := strings.Cut(kv, "=")
		key, ok := strings.CutPrefix(name, "BUILDER_")
		if !ok || value == "" {
			continue
		}
		var err error
		switch key {
		case "ENGINE":
			c.Engine = value
		case "PROVIDER":
			c.Provider = value
		case "MODEL":
			c.Model = value
		case "BASE_URL":
			c.BaseURL = value
		case "API":
			c.API = value
		case "EFFORT":
			c.Effort = value
		case "AUTHOR":
			c.Author = value
		case "SANDBOX":
			c.Sandbox = value
		case "MAX_COST":
			var usd float64
			usd, err = strconv.ParseFloat(value, 64)
			c.Budget.USD = &usd
		case "MAX_TOKENS":
			c.Budget.Tokens, err = strconv.ParseInt(value, 10, 64)
		case "MAX_TIME":
			c.MaxTime, err = time.ParseDuration(value)
		case "MIN_FREE":
			c.MinFree = value
		case "CLAUDE_CLI":
			c.Claude = value
		case "WORKERS":
			c.Workers, err = strconv.Atoi(value)
		case "ATTEMPTS":
			c.Attempts, err = strconv.Atoi(value)
		case "FAULT", "FAULT_SEEN":
			if faultpoint.Enabled {
				continue // read where they are obeyed
			}
			return &Error{"E_CONFIG_UNKNOWN_KEY", "environment", "this builder has no fault points for " + name, "build one: go build -tags faults ./cmd/builder"}
		default:
			names := []string{"ENGINE", "PROVIDER", "MODEL", "BASE_URL", "API", "EFFORT", "AUTHOR", "SANDBOX", "MAX_COST", "MAX_TOKENS", "MAX_TIME", "WORKERS", "ATTEMPTS", "MIN_FREE", "CLAUDE_CLI"}
			return &Error{"E_CONFIG_UNKNOWN_KEY", "environment", "unknown variable " + name, "did you mean BUILDER_" + nearest(key, names) + "?"}
		}
		if err != nil {
			return &Error{"E_CONFIG_RANGE", "environment", fmt.Sprintf("%s cannot be %q", name, value), "see: builder config schema"}
		}
	}
	return nil
}

// Check finds the first value out of range.
func (c Config) Check(where string) error {
	bad := func(key, want string) error {
		return &Error{"E_CONFIG_RANGE", where, key + " must be " + want, "see: builder config schema"}
	}
	oneOf := func(v string, of ...string) bool { return v == "" || slices.Contains(of, v) }
	switch {
	case !oneOf(c.Engine, Native, ClaudeCode):
		return bad("engine", "native or claude-code")
	case c.Claude != "" && !filepath.IsAbs(c.Claude):
		return bad("claude_cli", "an absolute path")
	case !oneOf(c.Provider, "offline", "anthropic", "openai"):
		return bad("provider", "offline, anthropic or openai")
	case !oneOf(c.API, "responses", "chat"):
		return bad("api", "responses or chat")
	case !oneOf(c.Effort, "low", "medium", "high", "xhigh", "max"):
		return bad("effort", "low, medium, high, xhigh or max")
	case !oneOf(c.Billing, "api-usd", "subscription"):
		return bad("billing", "api-usd or subscription")
	case !oneOf(c.Sandbox, "required", "off"):
		return bad("sandbox", "required or off")
	case c.Budget.USD != nil && (math.IsNaN(*c.Budget.USD) || math.IsInf(*c.Budget.USD, 0) || *c.Budget.USD < 0 || *c.Budget.USD > 1e6):
		return &Error{"E_BUDGET_INVALID", where, "budget.usd must be from 0 to 1,000,000", "as in: --max-cost 10"}
	case c.Budget.Tokens < 0:
		return &Error{"E_BUDGET_INVALID", where, "budget.tokens must not be negative", "as in: --max-tokens 2000000"}
	case c.MaxTime < 0 || c.MaxTime > 0 && c.MaxTime < time.Second:
		return bad("max_time", "at least 1s")
	case c.Workers < 0 || c.Workers > 256:
		return bad("workers", "from 1 to 256")
	case c.Attempts < 0 || c.Attempts > 20:
		return bad("attempts", "from 1 to 20")
	case c.MinFree != "" && !isSize(c.MinFree):
		return bad("min_free", "a size, as in 64MiB")
	case c.Author != "" && !validAuthor(c.Author):
		return bad("author", `like "Name <mail@host>"`)
	}
	if len(c.Fallback) > maxFallback {
		return bad("fallback", "at most 8 models")
	}
	if slices.Contains(c.Fallback, "") {
		return bad("fallback", "a list of model ids")
	}
	for i, p := range c.Prices {
		if err := p.check(fmt.Sprintf("%s: prices[%d]", where, i)); err != nil {
			return err
		}
	}
	return nil
}

func (p Price) check(where string) error {
	if p.Model == "" || p.Input == nil || p.Output == nil {
		return &Error{"E_PRICE_INVALID", where, "a price needs model, input and output", "prices are US dollars per million tokens; write 0 for what is free"}
	}
	for _, v := range []*float64{p.Input, p.Output, p.CacheRead, p.CacheWrite} {
		if v != nil && (math.IsNaN(*v) || *v < 0 || *v > 1e6) {
			return &Error{"E_PRICE_INVALID", where, "a price must be from 0 to 1,000,000 US dollars per million tokens", "write 0 for what is free"}
		}
	}
	return nil
}

func validAuthor(s string) bool {
	name, rest, ok := strings.Cut(s, " <")
	mail, tail, ok2 := strings.Cut(rest, ">")
	return ok && ok2 && tail == "" && strings.TrimSpace(name) != "" && mail != "" && !strings.ContainsAny(s, "\n\r\x00") && !strings.ContainsAny(name+mail, "<>")
}
