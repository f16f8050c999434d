package main

import (
	"net/http"
	"time"

	"github.com/seed-c331f47d/builder/cmd/builder/internal/config"
	"github.com/seed-c331f47d/builder/internal/agent/endpoint"
	"github.com/seed-c331f47d/builder/internal/agent/openai"
	"github.com/seed-c331f47d/builder/internal/budget"
	"github.com/seed-c331f47d/builder/internal/budget/gateway"
)

// guardSettings is what a guard runs under, checked.
type guardSettings struct {
	settings
	anthropic, openai guardProvider
}

// guardProvider is who answers the calls of one family of APIs, and by which variables an agent finds
// it when nobody stands between.
type guardProvider struct {
	url     string
	key     string // held by the guard; "": the agent's own login passes
	keyed   string // the variable that held it
	local   bool   // on this machine: no key is needed
	table   budget.Table
	dropped []string // variables with keys, which the agent does not see
}

// guardSettings merges flags over the configuration. Keys come from the variables that agents read;
// so do addresses, where no flag says another.
func (a *app) guardSettings(l limitFlags, c cli) (guardSettings, error) {
	loaded, err := config.Load(config.Sources{User: config.UserPath(a.env), Project: "builder.yaml", Environ: a.env})
	if err != nil {
		return guardSettings{}, err
	}
	g := guardSettings{settings: settings{Config: loaded, given: l.price}}
	if err := g.setCaps(l); err != nil {
		return g, err
	}
	if (l.price != "") != (l.model != "") {
		return g, usage("E_USAGE", "as in: --model MODEL --price 0.5/1.5", "--model and --price belong together")
	}
	family := l.provider
	switch {
	case family != "" && family != providerAnthropic && family != providerOpenAI:
		return g, usage("E_USAGE", "use --provider anthropic or --provider openai", "a command cannot be guarded with provider %s", family)
	case family == "":
		family = c.family()
	}
	if l.baseURL != "" && family == "" {
		return g, usage("E_USAGE", "add --provider anthropic or --provider openai", "whose API does %s speak", l.baseURL)
	}
	g.anthropic = guardProvider{url: anthropicURL, dropped: []string{"ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN"}}
	g.openai = guardProvider{url: openai.DefaultBaseURL, dropped: []string{"OPENAI_API_KEY"}}
	for name, p := range map[string]*guardProvider{providerAnthropic: &g.anthropic, providerOpenAI: &g.openai} {
		flag := ""
		if name == family {
			flag = l.baseURL
		}
		if err := a.guardProvider(p, name, flag, l, loaded.Prices); err != nil {
			return g, err
		}
	}
	g.billing = budget.APIUSD
	if p := g.provider(family); p != nil && p.key == "" && !p.local {
		g.billing = budget.Subscription
	}
	return g, c.needs(g)
}

func (g *guardSettings) provider(family string) *guardProvider {
	switch family {
	case providerAnthropic:
		return &g.anthropic
	case providerOpenAI:
		return &g.openai
	}
	return nil
}

// guardProvider finds address, key and prices of one family.
func (a *app) guardProvider(p *guardProvider, name, flag string, l limitFlags, own []config.Price) error {
	variable := map[string]string{providerAnthropic: "ANTHROPIC_BASE_URL", providerOpenAI: "OPENAI_BASE_URL"}[name]
	switch {
	case flag != "":
		p.url = flag
	case a.getenv(variable) != "":
		p.url = a.getenv(variable)
	}
	var err error
	if p.local, err = checkBaseURL(p.url); err != nil {
		return err
	}
	for _, variable := range p.dropped {
		if v := a.getenv(variable); v != "" && p.key == "" {
			p.key, p.keyed = v, variable
		}
	}
	if err := endpoint.CheckKey(endpoint.Secret(p.key)); err != nil {
		return usage("E_KEY_FORMAT", "copy the key again, without spaces, quotes and line breaks", "the variable %s does not hold a key", p.keyed)
	}
	at := settings{Config: config.Config{Provider: name, BaseURL: p.url}}
	if p.table, err = a.priceTable(at.sellers(), own); err != nil || l.price == "" {
		return err
	}
	row, err := priceFlag(l.model, l.price)
	if err != nil {
		return err
	}
	if p.table, err = p.table.With([]budget.Price{row}); err != nil {
		return usage("E_PRICE_INVALID", "as in: --price 0.5/1.5", "%s", err)
	}
	return nil
}

// through is the provider as the gateway wants it.
func (p guardProvider) through() gateway.Provider {
	return behind(endpoint.Patience{Base: http.DefaultTransport}, p.url, p.key, p.table)
}

// behind is a provider behind a gateway. Without a key the asker's own login passes.
func behind(base http.RoundTripper, url, key string, table budget.Table) gateway.Provider {
	p := gateway.Provider{URL: url, Base: base, Prices: func(model string) (budget.Price, error) { return table.Lookup(model, time.Now()) }}
	if key != "" {
		p.Key = endpoint.Secret(key)
	}
	return p
}
