// Command crew serves a [agenttest.Crew] as a process of its own, for tests in which builder and its
// model must not share one: go run ./internal/agent/agenttest/crew -listen 127.0.0.1:0 -latency 50ms.
package main

import (
	"os"

	"github.com/seed-c331f47d/builder/internal/agent/agenttest"
)

func main() { os.Exit(agenttest.CrewMain(os.Args[1:], os.Stdout, os.Stderr)) }
