package planner

// Spec is the user's document, read. Everything in it is untrusted text.
type Spec struct {
	Path     string
	SHA256   string // lower-case hex of the bytes
	Text     string // the document as it is, valid UTF-8
	Front    Front
	Title    string // the first heading
	Summary  string // the first paragraph below it
	Sections []Section
	// Project is the name, type and summary: from the front matter, else by rule from the text.
	Project Project
	// Requirements in document order, R1, R2, …: every list item, endpoint, command, rule and
	// normative sentence outside code blocks.
	Requirements []Requirement
	// Acceptance holds the http and console blocks as ready gates, in document order.
	Acceptance []Gate
}

// Front is the optional YAML front matter.
type Front struct {
	Name string      `yaml:"name"`
	Type ProjectType `yaml:"type"`
}

// Section is a heading with all it holds up to the next heading of its level or above.
// Lines are 1-based and inclusive.
type Section struct {
	Level       int
	Title       string
	First, Last int
	Text        string // the lines First to Last as they are, heading included
}
