package crash

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
)

// Job is what is built: the texts of a spec and of a plan of it. The plan names the spec as SpecFile.
type Job struct {
	SpecFile string
	Spec     string
	Plan     string
	Tasks    int
}

// small is the job of [Answerer]: every task writes a file of its own, half of them need another, all
// are proven by a gate that looks at the file and one that runs a command.
const small = "selftest.md"

// Small is a job of so many tasks for an [Answerer].
func Small(tasks int) Job {
	var spec, plan, gates strings.Builder
	spec.WriteString("# Selftest\n\n## Rules\n")
	for n := range tasks {
		fmt.Fprintf(&spec, "- %s\n", rule(n))
	}
	sum := sha256.Sum256([]byte(spec.String()))
	fmt.Fprintf(&plan, "version: 1\nspec: {path: %s, sha256: %s}\nproject: {name: selftest, type: other}\nrequirements:\n", small, hex.EncodeToString(sum[:]))
	for n := range tasks {
		fmt.Fprintf(&plan, "  - {id: R%d, text: %q}\n", n+1, rule(n))
	}
	plan.WriteString("phases:\n  - id: all\n    title: All\n    tasks:\n")
	for n := range tasks {
		fmt.Fprintf(&plan, "      - {id: all.%s, title: Write %s, goal: Write it., covers: [R%d], writes: [%s], gates: [%s, %s-run]", name(n), name(n), n+1, file(n), name(n), name(n))
		if n%2 == 1 {
			fmt.Fprintf(&plan, ", needs: [all.%s]", name(n-1))
		}
		plan.WriteString("}\n")
		fmt.Fprintf(&gates, "  - {id: %s, kind: file, files: [{path: %s, contains: [%q]}]}\n", name(n), file(n), name(n)+" is done")
		fmt.Fprintf(&gates, "  - {id: %s-run, kind: command, run: [grep, -q, %q, %s]}\n", name(n), name(n)+" is done", file(n))
	}
	return Job{SpecFile: small, Spec: spec.String(), Plan: plan.String() + "gates:\n" + gates.String(), Tasks: tasks}
}

func name(n int) string { return fmt.Sprintf("t%03d", n) }
func file(n int) string { return "work/" + name(n) + ".txt" }
func rule(n int) string { return fmt.Sprintf("The file %s says that %s is done.", file(n), name(n)) }
