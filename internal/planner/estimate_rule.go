package planner

// The rules are, for a type and size:
//   - a token is about three bytes of spec; the fixed words and tools of a task are about 4,000;
//   - one task carries about 25 requirements; it takes three calls and some more for each
//     requirement; its agent writes some tokens for each requirement and 1,500 besides;
//   - the first call of a task writes the prefix to the cache and later calls read it, with what
//     has been said since; about 300 tokens a call are fresh;
//   - planning is one call for each part of the spec.
//
// They are the authors' expectation, checked by no builds: [Quantities.Samples] is 0 then.

const (
	bytesPerToken       = 3
	fixedTokens         = 4_000
	requirementsPerTask = 25
	callsPerTask        = 3
	outputPerTask       = 1_500
	freshPerCall        = 300
	maxConversation     = 40_000 // tokens said in a task before it is compacted
	maxTokens           = 1e15   // nothing is estimated above this
	maxEstimateCalls    = 1e6    // nor a task above this
)

// weight is how much work a requirement is in a project of a type.
type weight struct {
	callsPerHundred int64 // calls for a hundred requirements
	output          int64 // tokens the agent writes for one
}

func weightOf(t ProjectType) weight {
	switch t {
	case CLITool, Library:
		return weight{25, 500}
	case RESTAPI:
		return weight{30, 700}
	case FullStack:
		return weight{50, 1_200}
	case Enterprise:
		return weight{60, 1_500}
	default:
		return weight{40, 800}
	}
}

// TypicalSize is the size of a usual spec of a type, for tables that compare types without one.
func TypicalSize(t ProjectType) Size {
	switch t {
	case CLITool, Library:
		return Size{SpecBytes: 4_000, Requirements: 25}
	case RESTAPI:
		return Size{SpecBytes: 6_000, Requirements: 35}
	case FullStack:
		return Size{SpecBytes: 14_000, Requirements: 80}
	case Enterprise:
		return Size{SpecBytes: 40_000, Requirements: 200}
	default:
		return Size{SpecBytes: 6_000, Requirements: 35}
	}
}

// planningRule is the amount of drafting a plan.
func planningRule(s Size) Amount {
	parts := 1 + s.SpecBytes*2/DefaultPartBytes // the prompt repeats the spec as requirements
	return Amount{
		Calls:  parts,
		Input:  parts*fixedTokens + s.SpecBytes*2/bytesPerToken,
		Output: parts*500 + 60*s.Requirements,
	}
}

// buildingRule is the amount of all tasks of a build.
func buildingRule(t ProjectType, s Size) Amount {
	w := weightOf(t)
	tasks := 1 + s.Requirements/requirementsPerTask
	calls := callsPerTask*tasks + ceilDiv(s.Requirements*w.callsPerHundred, 100)
	output := outputPerTask*tasks + w.output*s.Requirements
	return work(tasks, calls, output, s)
}

// taskRule is the amount of one task that covers n requirements.
func taskRule(t ProjectType, s Size, n int64) Amount {
	w := weightOf(t)
	return work(1, callsPerTask+ceilDiv(n*w.callsPerHundred, 100), outputPerTask+w.output*n, s)
}

// work is the amount of calls in a number of tasks that write output tokens together.
func work(tasks, calls, output int64, s Size) Amount {
	prefix := fixedTokens + s.SpecBytes/bytesPerToken
	conversation := min(output, maxConversation) / 2
	return Amount{
		Calls:      calls,
		Input:      freshPerCall * calls,
		CacheWrite: prefix*tasks + output*3/2,
		CacheRead:  (calls - tasks) * (prefix + conversation),
		Output:     output,
	}
}

// amountOf splits a task's own estimate by class, as the rule would: all input behind the first
// call but for the newest turn is read from the cache.
func amountOf(e Quantity, s Size) Amount {
	calls := min(e.Calls, maxEstimateCalls)
	input, output := min(max(e.InputTokens, 0), maxTokens), min(max(e.OutputTokens, 0), maxTokens)
	fresh := min(freshPerCall*calls, input)
	written := min(fixedTokens+s.SpecBytes/bytesPerToken+output, input-fresh)
	return Amount{Calls: calls, Input: fresh, CacheWrite: written, CacheRead: input - fresh - written, Output: output}
}

func ceilDiv(a, b int64) int64 { return (a + b - 1) / b }
