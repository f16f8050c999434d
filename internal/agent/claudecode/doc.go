// Package claudecode is the engine that is Claude Code's own CLI: one attempt of a task, carried out by a
// process that is not ours.
//
// Its words: a [Program] is the CLI of one build; its Engine drives it for one [agent.Job]. A process of
// the CLI is confined like any command of an agent, and the [agent.Way] is its only way out. What it is to report is
// offered to its model as the tools of an MCP server in this process: finish, blocked, note, plan, budget.
//
// The CLI is not believed: what it says of money, of success and of its model is looked at, never relied on. It
// knows nothing of journals, gates and money; those are behind the Foreman and the Way.
//
// The protocol of the CLI is spoken by the public package claudecode at the root of the module.
package claudecode
