package blueprint

// Blueprint is a spec understood by rule.
type Blueprint struct {
	Name       string // command, module and package-safe name, e.g. "toolshed"
	Type       string // cli-tool | rest-api | …
	Title      string
	Summary    string
	Entities   []Entity
	Rules      []Rule
	Endpoints  []Endpoint // rest-api
	Commands   []Command  // cli-tool
	Running    []string   // argv of the Running section, e.g. [toolshed serve --addr HOST:PORT --data DIR]
	Acceptance []Block    // http and console code blocks of the Acceptance section
	Unknown    []Unknown
}

// Entity is a noun with fields. Names are as the spec writes them; the generator makes Go, path
// and flag names of them (irregular plurals, Go keywords and builtins included).
type Entity struct {
	Name   string
	Plural string // "tools"; from the endpoints where they say so, else by rule
	Fields []Field
	Line   int
}

// Kind is the type of a field's values.
type Kind string

// The kinds of fields.
const (
	Text     Kind = "text"
	Integer  Kind = "integer"
	Decimal  Kind = "decimal"
	Money    Kind = "money" // kept in hundredths, written as "79.90"
	Date     Kind = "date"
	DateTime Kind = "datetime"
	Bool     Kind = "bool"
	Choice   Kind = "choice"
	Ref      Kind = "ref"
	Email    Kind = "email"
	URL      Kind = "url"
)

// Field is a property of an entity.
type Field struct {
	Name           string // as the spec writes it: "bought on"
	Key            string // JSON key: "bought_on"
	Kind           Kind
	List           bool
	Required       bool
	Unique         bool
	Default        string   // "" means none; as the spec writes it
	Choices        []string // Choice
	Ref            string   // Ref: the entity's name
	MinLen, MaxLen *int     // characters
	Pattern        string   // Text: a regular expression that the whole text must match, "" for none
	Min, Max       *string  // numbers and dates, inclusive, as text
	Over           bool     // Decimal: Min itself is too small
	Line           int
}

// Endpoint is one method on one path.
type Endpoint struct {
	Method string
	Path   string   // "/tools/{id}"
	Query  []string // parameter names of the example: kind, broken, sort, limit
	Ranges []Range  // those of them that compare: min_rating, due_before
	Entity string   // the entity it serves; "" when not found
	Action string   // create | list | get | update | replace | delete | set
	Parent string   // key of the reference that {id} of a nested path fills: "tool" in /tools/{id}/loans
	Set    []Match  // set: what POST /loans/{id}/return changes
	Limit  int      // list: default page size, 0 when not said
	Max    int      // list: greatest page size, 0 when not said
	Text   string   // the prose around it
	Line   int
}

// RuleKind says what a rule forbids or derives.
type RuleKind string

// The kinds of rules that are understood.
const (
	RuleForbid  RuleKind = "forbid"  // Target cannot be created while the Entity its key Other refers to has Value in Field
	RuleLimit   RuleKind = "limit"   // at most N of Entity (matching Where) per Field, overall without a Field
	RuleDelete  RuleKind = "delete"  // Entity cannot be deleted while referred to by Target (matching Where); without a Target, while it has Value in Field
	RuleCascade RuleKind = "cascade" // deleting Entity deletes the Target records that refer to it
	RuleOrder   RuleKind = "order"   // Field <= Other of the same Entity, Field < Other when Strict
	RuleSort    RuleKind = "sort"    // lists of Entity come ordered by Field (Desc)
)

// Rule is a sentence understood. Fields are named by key. Status is the HTTP status of its
// violation: as the sentence says, else 400 for order and 409 for the others.
type Rule struct {
	Kind   RuleKind
	Entity string
	Target string
	Field  string
	Value  string
	Other  string
	N      int
	Desc   bool
	Strict bool
	Where  []Match
	Status int
	Text   string
	Line   int
}

// Match is a condition on one field.
type Match struct {
	Field, Value string
}

// Block is a fenced code block.
type Block struct {
	Lang string // http | console
	Text string
	Line int
}

// Unknown is a part of the spec that no rule covers: a requirement that needs a model.
type Unknown struct {
	Text string
	Line int
	Why  string
}
