package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/seed-c331f47d/builder/internal/budget/gateway"
)

// cli is a command line that is guarded, as far as builder knows its kind.
type cli struct {
	name string
	kind cliKind
	argv []string
}

type cliKind int

const (
	cliOther cliKind = iota
	cliClaude
	cliCodex
	cliOpencode
)

// dummyKey stands for the key that a guard holds: agents want one, and send it to the guard.
const dummyKey = "held-by-builder-guard"

// cliOf knows a command by the name of its program.
func cliOf(argv []string) cli {
	c := cli{name: strings.TrimSuffix(filepath.Base(argv[0]), ".exe"), argv: argv}
	c.kind = map[string]cliKind{"claude": cliClaude, "codex": cliCodex, "opencode": cliOpencode}[c.name]
	return c
}

// family is the API that the command speaks; "" when it may be any.
func (c cli) family() string {
	return map[cliKind]string{cliClaude: providerAnthropic, cliCodex: providerOpenAI}[c.kind]
}

// parting is the signal that the command gets when the guard dies: the one that makes it clean up
// where that is known (Claude Code ends its tools on SIGINT alone), else the one that nothing survives.
func (c cli) parting() syscall.Signal {
	if c.kind == cliClaude {
		return syscall.SIGINT
	}
	return syscall.SIGKILL
}

// bypass refuses settings under which calls would go past the guard.
func (c cli) bypass(a *app) error {
	if c.kind == cliCodex {
		for _, arg := range c.argv[1:] {
			if strings.Contains(arg, "model_provider") || arg == "--oss" {
				return refused("E_GUARD_BYPASS", "leave it out", "%s makes codex call a provider that the guard does not stand before", arg)
			}
		}
	}
	if c.kind != cliClaude {
		return nil
	}
	for _, name := range []string{"CLAUDE_CODE_USE_BEDROCK", "CLAUDE_CODE_USE_VERTEX", "CLAUDE_CODE_USE_FOUNDRY", "CLAUDE_CODE_USE_MANTLE"} {
		if v := a.getenv(name); v != "" && v != "0" && v != "false" {
			return refused("E_GUARD_BYPASS", "unset "+name, "%s makes claude call a service that the guard cannot stand before", name)
		}
	}
	return nil
}

// needs says what is missing for the command to be guarded.
func (c cli) needs(g guardSettings) error {
	if c.kind == cliCodex && g.openai.key == "" && !g.openai.local {
		return usage("E_PROVIDER_AUTH", "export OPENAI_API_KEY=…", "codex is guarded with a key only: its login goes to another service")
	}
	return nil
}

// through gives environment and arguments with which the command's calls go through the guard.
func (c cli) through(g *guard) (env, argv []string, err error) {
	url := g.ticket.URL
	set := map[string]string{
		"ANTHROPIC_BASE_URL": url, "ANTHROPIC_API_BASE": url, "ANTHROPIC_HOST": url,
		"OPENAI_BASE_URL": url + "/v1", "OPENAI_API_BASE": url + "/v1", "OPENAI_HOST": url,
	}
	drop := []string{}
	for _, p := range []guardProvider{g.set.anthropic, g.set.openai} {
		if p.key == "" {
			continue
		}
		drop = append(drop, p.dropped...)
		set[p.keyed] = dummyKey
	}
	for _, name := range []string{"HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"} {
		if g.app.getenv(name) != "" || g.app.getenv(strings.ToLower(name)) != "" {
			set["NO_PROXY"] = direct(g.app.getenv("NO_PROXY"))
			set["no_proxy"] = direct(g.app.getenv("no_proxy"))
		}
	}
	argv = slices.Clone(c.argv)
	switch c.kind {
	case cliClaude:
		argv, err = c.claudeArgs(g, argv)
	case cliCodex:
		argv = c.codexArgs(g, argv, set)
	case cliOpencode:
		err = c.opencode(g, set)
	case cliOther:
	}
	return environWith(g.app.env, set, drop), argv, err
}

// direct is a list of hosts that are reached without a proxy, with the loopback in it.
func direct(list string) string {
	if list == "" {
		return "127.0.0.1"
	}
	return list + ",127.0.0.1"
}

// environWith is an environment with variables set and dropped, in a fixed order.
func environWith(env []string, set map[string]string, drop []string) []string {
	out := slices.DeleteFunc(slices.Clone(env), func(kv string) bool {
		name, _, _ := strings.Cut(kv, "=")
		_, ours := set[name]
		return ours || slices.Contains(drop, name)
	})
	names := make([]string, 0, len(set))
	for name := range set {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		out = append(out, name+"="+set[name])
	}
	return out
}

// claudeArgs lays the address over the user's own settings files too, which come before the
// environment. It goes by a file: other users can read arguments.
func (c cli) claudeArgs(g *guard, argv []string) ([]string, error) {
	for _, arg := range argv[1:] {
		if arg == "--settings" || strings.HasPrefix(arg, "--settings=") {
			return argv, nil
		}
	}
	env := map[string]string{"ANTHROPIC_BASE_URL": g.ticket.URL}
	if p := g.set.anthropic; p.key != "" {
		env[p.keyed] = dummyKey
	}
	raw, err := json.Marshal(map[string]any{"env": env})
	if err != nil {
		return nil, fmt.Errorf("write settings for claude: %w", err)
	}
	path := filepath.Join(g.store.dir, claudeSettings)
	if err := os.WriteFile(path, raw, 0o600); err != nil {
		return nil, fmt.Errorf("write settings for claude: %w", err)
	}
	return slices.Insert(argv, 1, "--settings", path), nil
}

// codexArgs sets up a provider of its own for codex, which reads no address from the environment. What
// opens the gateway comes in a variable: other users can read arguments.
func (c cli) codexArgs(g *guard, argv []string, set map[string]string) []string {
	const key, ticket = "BUILDER_GUARD_KEY", "BUILDER_GUARD_TICKET"
	url, token := g.ticket.Bare()
	set[key], set[ticket] = dummyKey, token
	for i, v := range []string{
		`model_provider="builder"`,
		fmt.Sprintf(`model_providers.builder={name="builder guard", base_url=%q, env_key=%q, env_http_headers={%q=%q}, wire_api="responses"}`, url+"/v1", key, gateway.TokenHeader, ticket),
		`web_search="disabled"`, // what the provider searches has no bound
	} {
		argv = slices.Insert(argv, 1+2*i, "-c", v)
	}
	return argv
}

// opencode gets its providers moved by the configuration that comes last. Others than those that the
// guard stands before are not to be called.
func (c cli) opencode(g *guard, set map[string]string) error {
	const variable = "OPENCODE_CONFIG_CONTENT"
	conf := map[string]any{}
	if own := g.app.getenv(variable); own != "" {
		if err := json.Unmarshal([]byte(own), &conf); err != nil {
			return usage("E_CONFIG_PARSE", "correct or unset it", "%s does not hold JSON", variable)
		}
	}
	provider, _ := conf["provider"].(map[string]any)
	if provider == nil {
		provider = map[string]any{}
	}
	for name, p := range map[string]guardProvider{providerAnthropic: g.set.anthropic, providerOpenAI: g.set.openai} {
		of, _ := provider[name].(map[string]any)
		if of == nil {
			of = map[string]any{}
		}
		options, _ := of["options"].(map[string]any)
		if options == nil {
			options = map[string]any{}
		}
		options["baseURL"] = g.ticket.URL + "/v1"
		if p.key != "" || p.local {
			options["apiKey"] = dummyKey
		}
		of["options"], provider[name] = options, of
	}
	conf["provider"] = provider
	conf["enabled_providers"] = []string{providerAnthropic, providerOpenAI}
	raw, err := json.Marshal(conf)
	if err != nil {
		return fmt.Errorf("set up opencode: %w", err)
	}
	set[variable] = string(raw)
	return nil
}
