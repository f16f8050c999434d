package agent

// Circles notices an agent that goes in circles, by the rules of the loop's own guard, where turns are not the loop's
// but those of a program. The zero value is ready.
type Circles struct{ guard guard }

// Watch takes the next turn: the calls of one answer, and what each came to. tree names the state of the work tree, "" when
// nobody can tell. It returns what to tell the agent, "" for nothing; stuck says that it was told before.
func (c *Circles) Watch(calls []ToolCall, results []ToolResult, tree string) (notice string, stuck bool) {
	all := make([]ToolResult, len(calls))
	copy(all, results)
	return c.guard.watch(turn{calls: calls, results: all, tree: tree})
}
