package toolchain

import (
	"bufio"
	"cmp"
	"net/url"
	"os"
	"path/filepath"
	"strings"
)

// online are the settings of registries and proxies, for commands that are granted the network. Only
// names on the lists here are taken; a value with a user or a password in it is not.
func (m machine) online() map[string]string {
	settings := map[string]string{"npm_config_offline": "false", "PIP_NO_INDEX": "0", "CARGO_NET_OFFLINE": "false"}
	for _, name := range []string{
		"HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy",
		"SSL_CERT_FILE", "SSL_CERT_DIR", "NODE_EXTRA_CA_CERTS", "REQUESTS_CA_BUNDLE", "PIP_CERT", "CARGO_HTTP_CAINFO",
		"npm_config_registry", "NPM_CONFIG_REGISTRY", "PIP_INDEX_URL",
	} {
		if value := m.env[name]; value != "" {
			settings[name] = value
		}
	}
	if registry := m.npmRegistry(); registry != "" && settings["npm_config_registry"] == "" {
		settings["npm_config_registry"] = registry
	}
	golang := m.goSettings()
	settings["GOPROXY"] = cmp.Or(golang["GOPROXY"], "https://proxy.golang.org,direct")
	settings["GOSUMDB"] = cmp.Or(golang["GOSUMDB"], "sum.golang.org")
	for name, value := range settings {
		if secret(value) {
			delete(settings, name)
		}
	}
	return settings
}

// secret says whether one of the addresses in value carries a user.
func secret(value string) bool {
	for _, part := range strings.FieldsFunc(value, func(r rune) bool { return r == ',' || r == '|' || r == ' ' }) {
		if !strings.Contains(part, "://") {
			part = "//" + part
		}
		if u, err := url.Parse(part); err == nil && u.User != nil || err != nil && strings.Contains(part, "@") {
			return true
		}
	}
	return false
}

// goSettings are the go command's: the environment's, else those that "go env -w" has stored.
func (m machine) goSettings() map[string]string {
	config := cmp.Or(m.env["XDG_CONFIG_HOME"], filepath.Join(m.home, ".config"))
	settings := readSettings(cmp.Or(m.env["GOENV"], filepath.Join(config, "go", "env")))
	for _, name := range []string{"GOPROXY", "GOSUMDB", "GOMODCACHE", "GOPATH"} {
		if value := m.env[name]; value != "" {
			settings[name] = value
		}
	}
	return settings
}

// npmRegistry is the address in the user's .npmrc; no other line of that file is looked at.
func (m machine) npmRegistry() string {
	return readSettings(filepath.Join(m.home, ".npmrc"))["registry"]
}

// readSettings reads lines of "name=value"; a file that cannot be read has none.
func readSettings(path string) map[string]string {
	settings := map[string]string{}
	file, err := os.Open(path)
	if err != nil {
		return settings
	}
	scanner := bufio.NewScanner(file)
	for scanner.Scan() {
		name, value, ok := strings.Cut(scanner.Text(), "=")
		if name = strings.TrimSpace(name); ok && !strings.HasPrefix(name, "#") {
			settings[name] = strings.Trim(strings.TrimSpace(value), `"'`)
		}
	}
	if err := file.Close(); err != nil {
		return map[string]string{}
	}
	return settings
}
