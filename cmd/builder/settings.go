package main

import (
	"net/netip"
	"net/url"
	"path/filepath"
	"strconv"
	"time"

	"github.com/spf13/pflag"

	"github.com/seed-c331f47d/builder/cmd/builder/internal/config"
	"github.com/seed-c331f47d/builder/internal/budget"
	"github.com/seed-c331f47d/builder/internal/phases"
)

// limitFlags are the flags that build, resume and plan share. Empty means not given.
type limitFlags struct {
	maxCost, maxTokens, maxTime string
	workers                     int
	engine, provider, model     string
	baseURL, api, effort        string
	models                      *phases.Models // of the build that is resumed: no flag
	price                       string         // of the model, in US dollars per million tokens: "0", or "IN/OUT"
	author                      string
	noSandbox                   bool
	events                      string
}

func (l *limitFlags) add(f *pflag.FlagSet) {
	l.addProvider(f)
	f.StringVar(&l.maxCost, "max-cost", "", "hard cap in US dollars (default 10)")
	f.StringVar(&l.maxTokens, "max-tokens", "", "hard cap in tokens of all classes (default none)")
	f.StringVar(&l.maxTime, "max-time", "", "pause after this time, as in 8h")
	f.IntVar(&l.workers, "workers", 0, "tasks at the same time, where their needs and claims allow it (default 1)")
	f.StringVar(&l.engine, "engine", "", "what carries tasks out: native, or claude-code: the Claude Code CLI, under the same cap, gates and commits")
	f.StringVar(&l.author, "author", "", `author of the commits, as in "Name <mail@host>"`)
	f.BoolVar(&l.noSandbox, "no-sandbox", false, "run commands unconfined where no sandbox can be had")
	f.StringVar(&l.events, "events", "", "progress on stderr: text or ndjson (default: a bar on a terminal)")
}

// addProvider adds the flags that say who answers and at which price.
func (l *limitFlags) addProvider(f *pflag.FlagSet) {
	f.StringVar(&l.provider, "provider", "", "who answers: offline, anthropic, or openai for it and all that speaks like it (default: whose key is set, else offline)")
	f.StringVar(&l.model, "model", "", "exact model id; see builder models")
	f.StringVar(&l.baseURL, "base-url", "", "the provider's address, for gateways and local servers")
	f.StringVar(&l.price, "price", "", "price of the model: 0 for one of your own, or IN/OUT in US dollars per million tokens")
	f.StringVar(&l.api, "api", "", "how --provider openai is asked: responses or chat (default: responses at api.openai.com, else chat)")
	f.StringVar(&l.effort, "effort", "", "low, medium, high, xhigh or max; default is the model's own")
}

// settings is a configuration, checked and ready to use.
type settings struct {
	config.Config
	caps    budget.Caps
	table   budget.Table
	price   budget.Price // of the model, today
	apiKey  string       // never shown, never written
	events  string
	given   string // --price, kept with the build
	models  phases.Models
	billing budget.Billing
	limits  map[string]phases.ModelLimit // of all models that may have a part
}

// settings merges flags over the configuration and checks everything that can be checked before
// anything is sent or written.
func (a *app) settings(l limitFlags, project string) (settings, error) {
	c, err := config.Load(config.Sources{User: config.UserPath(a.env), Project: filepath.Join(project, "builder.yaml"), Environ: a.env})
	if err != nil {
		return settings{}, err
	}
	s := settings{Config: c, events: l.events, given: l.price}
	s.models = phases.Models{Roles: c.Models.ByRole(), Escalate: c.Escalate, Fallback: c.Fallback}
	if l.models != nil {
		s.models = *l.models
	}
	a.ndjson = l.events == "ndjson"
	if err := s.overlay(l); err != nil {
		return s, err
	}
	if err := s.Check("flags"); err != nil {
		return s, err
	}
	if l.events != "" && l.events != "text" && l.events != "ndjson" {
		return s, usage("E_USAGE", "use --events text or --events ndjson", "--events cannot be %q", l.events)
	}
	if err := s.setProvider(a); err != nil {
		return s, err
	}
	return s, a.setPrices(&s, l.price, time.Now())
}

func (s *settings) overlay(l limitFlags) error {
	set := func(to *string, v string) {
		if v != "" {
			*to = v
		}
	}
	set(&s.Engine, l.engine)
	set(&s.Provider, l.provider)
	set(&s.Model, l.model)
	set(&s.BaseURL, l.baseURL)
	set(&s.API, l.api)
	set(&s.Effort, l.effort)
	if l.models != nil { // what was asked of a model once is asked again in the same words
		s.Effort = l.effort
	}
	set(&s.Author, l.author)
	if l.noSandbox {
		s.Sandbox = "off"
	}
	if l.workers != 0 {
		if l.workers < 1 || l.workers > 256 {
			return usage("E_CONFIG_RANGE", "as in: --workers 1", "--workers must be from 1 to 256")
		}
		s.Workers = l.workers
	}
	if l.maxTime != "" {
		d, err := time.ParseDuration(l.maxTime)
		if err != nil || d < time.Second {
			return usage("E_CONFIG_RANGE", "as in: --max-time 8h30m", "--max-time cannot be %q", l.maxTime)
		}
		s.MaxTime = d
	}
	if err := s.setCaps(l); err != nil {
		return err
	}
	return nil
}

func (s *settings) setCaps(l limitFlags) error {
	s.caps = budget.Caps{Tokens: s.Budget.Tokens}
	if s.Budget.USD != nil {
		usd, err := budget.ParseUSD(strconv.FormatFloat(*s.Budget.USD, 'f', -1, 64))
		if err != nil {
			return usage("E_BUDGET_INVALID", "as in: --max-cost 10", "%s", err)
		}
		s.caps.USD = usd
	}
	if l.maxCost != "" {
		usd, err := budget.ParseUSD(l.maxCost)
		if err != nil {
			return usage("E_BUDGET_INVALID", "as in: --max-cost 10", "--max-cost cannot be %q", l.maxCost)
		}
		s.caps.USD = usd
	}
	if l.maxTokens != "" {
		n, err := strconv.ParseInt(l.maxTokens, 10, 64)
		if err != nil || n <= 0 {
			return usage("E_BUDGET_INVALID", "as in: --max-tokens 2000000", "--max-tokens cannot be %q", l.maxTokens)
		}
		s.caps.Tokens = n
	}
	return nil
}

// checkBaseURL accepts https addresses, and http on the loopback. It says whether the address is local.
func checkBaseURL(raw string) (local bool, err error) {
	u, perr := url.Parse(raw)
	if perr != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return false, usage("E_BASE_URL_INVALID", "as in: --base-url https://gateway.example", "the base URL must be scheme, host and path only")
	}
	host := u.Hostname()
	ip, ierr := netip.ParseAddr(host)
	local = host == "localhost" || ierr == nil && ip.IsLoopback()
	switch {
	case u.Scheme == "https", u.Scheme == "http" && local:
		return local, nil
	case u.Scheme == "http":
		return false, usage("E_BASE_URL_INSECURE", "use https://"+u.Host, "a key is not sent over http to %s", u.Host)
	}
	return false, usage("E_BASE_URL_INVALID", "as in: --base-url https://gateway.example", "the base URL cannot have the scheme %q", u.Scheme)
}
