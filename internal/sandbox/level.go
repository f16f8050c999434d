package sandbox

// Level says how much of a policy is enforced here.
type Level string

// The levels, best first. They are measured at start by trying to break out, never assumed.
const (
	Full      Level = "full"       // files, network, processes
	FilesOnly Level = "files-only" // files; the network cannot be taken away
	None      Level = "none"       // nothing; refused unless the user says --no-sandbox
)
