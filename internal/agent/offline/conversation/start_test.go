package conversation

import (
	"strings"
	"testing"

	"github.com/seed-c331f47d/builder/internal/agent/offline/blueprint"
)

func TestStart(t *testing.T) {
	t.Parallel()
	const usual = "bin/shed serve --addr 127.0.0.1:{port} --data {data}"
	tests := map[string]string{
		"":                                       usual,
		"shed":                                   usual,
		"shed serve":                             usual,
		"shed serve --addr HOST:PORT --data DIR": usual,
		"./bin/shed serve --addr=:8080 --data=./var":   "bin/shed serve --addr=127.0.0.1:{port} --data={data}",
		"shed serve --host HOST --port PORT --db FILE": "bin/shed serve --host 127.0.0.1 --port {port} --db {data}/data.db",
		"shed -p 8080 DIR":                             "bin/shed -p {port} {data}",
		"shed serve --listen <ADDR> --verbose":         "bin/shed serve --listen 127.0.0.1:{port} --verbose",
		"../evil/.. serve --addr HOST:PORT":            usual,
		"/bin/sh serve --port 1":                       "bin/sh serve --port {port}",
	}
	for running, want := range tests {
		d := &drafter{work: Work{Blueprint: &blueprint.Blueprint{Name: "shed", Running: strings.Fields(running)}}}
		if got := strings.Join(d.start(), " "); got != want {
			t.Errorf("%q: %s, want %s", running, got, want)
		}
	}
}
