package main

import (
	"strings"

	"github.com/seed-c331f47d/builder/cmd/builder/internal/config"
	"github.com/seed-c331f47d/builder/internal/agent/openai"
	"github.com/seed-c331f47d/builder/internal/budget"
)

// Who answers.
const (
	providerOffline   = "offline"
	providerAnthropic = "anthropic"
	providerOpenAI    = "openai"
	anthropicURL      = "https://api.anthropic.com"
	defaultModel      = "claude-sonnet-5-5"
)

// provider is somebody who answers over the network.
type provider struct {
	name  string
	key   string // the variable that holds the key
	url   string // its own address
	model string // at its own address, when none is named
}

// providers are all of them, those first that are taken first when a key is there and none is named.
func providers() []provider {
	return []provider{
		{providerAnthropic, "ANTHROPIC_API_KEY", anthropicURL, defaultModel},
		{providerOpenAI, "OPENAI_API_KEY", openai.DefaultBaseURL, "gpt-6-sol"},
	}
}

// setProvider decides who answers, with which key, at which address and over which wire.
func (s *settings) setProvider(a *app) error {
	p := provider{name: providerOffline}
	for _, known := range providers() {
		if s.Provider == known.name || s.Provider == "" && a.getenv(known.key) != "" {
			p = known
			break
		}
	}
	if s.Provider == "" && p.name == providerOffline && s.subscribed() {
		p = providers()[0]
	}
	s.Provider = p.name
	if s.API != "" && p.name != providerOpenAI {
		return usage("E_USAGE", "use --provider openai with --api, or leave --api out", "provider %s is asked in one way only", p.name)
	}
	if p.name == providerOffline {
		if s.BaseURL != "" {
			return usage("E_USAGE", "use --provider anthropic or openai with --base-url, or leave --base-url out", "the offline model has no address")
		}
		if s.Model == "" {
			s.Model = "offline"
		}
		return nil
	}
	if s.BaseURL == "" {
		s.BaseURL = p.url
	}
	local, err := checkBaseURL(s.BaseURL)
	if err != nil {
		return err
	}
	if s.Model == "" && p.name == providerOpenAI && openai.APIOf(s.BaseURL) != openai.Responses {
		return usage("E_MODEL_UNKNOWN", "as in: --model MODEL; what a server has, it tells at /v1/models", "which model is to be asked at %s", s.BaseURL)
	}
	if s.Model == "" {
		s.Model = p.model
	}
	if p.name == providerOpenAI && s.API == "" {
		s.API = string(openai.APIOf(s.BaseURL))
	}
	return s.setKey(p, a.getenv(p.key), local)
}

// setKey takes the key. A server on this machine may want none.
func (s *settings) setKey(p provider, key string, local bool) error {
	if key == "" && p.name == providerAnthropic && s.subscribed() {
		return nil // the CLI's own login pays
	}
	if key == "" && local && p.name == providerAnthropic {
		key = "local" // such servers want some key, and take any
	}
	switch {
	case key == "" && !local:
		return usage("E_PROVIDER_AUTH", "export "+p.key+"=…, or build without a key: --provider offline", "provider %s needs the variable %s", p.name, p.key)
	case strings.ContainsAny(key, " \t\r\n\"'"):
		return usage("E_KEY_FORMAT", "copy the key again, without spaces, quotes and line breaks", "the variable %s does not hold a key", p.key)
	}
	s.apiKey = key
	return nil
}

// subscribed says that tasks are carried out by a CLI whose user may pay by subscription.
func (s *settings) subscribed() bool {
	return s.Engine == config.ClaudeCode && s.Billing == string(budget.Subscription)
}

// login says that a build's calls go with the login of the CLI that makes them: there is no key.
func (s *settings) login() bool {
	return s.subscribed() && s.Provider == providerAnthropic && s.apiKey == ""
}
