package agent

// Brief is what an agent is told before its first turn, free of any other room's types. Render
// (brief_render.go) turns it into system parts and the first message by the versioned prompts in
// prompts/. Every field is untrusted text except Role, Engine facts and rules.
type Brief struct {
	Role         string // engineer | planner | reviewer | writer
	SpecPath     string
	Spec         string // the spec, or the parts of it that matter to this task
	Project      string // name, type, stack in one line
	Plan         string // one line per task: id, title; of a large plan, one per phase
	Environment  string // toolchain versions, offline modules, network, limits
	TaskID       string
	Title        string
	Goal         string
	Requirements []BriefRequirement
	Near         string // of a large plan: the tasks that this one needs, and those that need it
	HowGatesRun  string // what holds for all gates of a kind, said once
	Gates        []BriefGate
	Writes       []string // globs this task may write
	Shared       []string // globs that many tasks write
	Tree         string   // what is in the tree at the start, one path a line with its size
	Notes        []string // notes of the tasks this one needs
	Person       []string // what the person who watches the build said: notes, and answers with their questions
	Changed      string   // of a task that is done again: what the tree holds of it, and what is other now
	LastFailure  string   // why the attempt before this one ended
}

// BriefRequirement is a requirement as an agent sees it: verbatim, with its lines in the spec.
type BriefRequirement struct {
	ID, Text, Source string
}

// BriefGate is a check the task must pass, with its steps spelled out.
type BriefGate struct {
	ID, Kind, Text string
}
