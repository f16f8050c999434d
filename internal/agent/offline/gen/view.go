package gen

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/seed-c331f47d/builder/internal/agent/offline/blueprint"
)

// entityView is what the templates of one entity see.
type entityView struct {
	Names       Names
	Manner      Manner
	Rules       []blueprint.Rule
	Entity      Entity
	Text        bool // the program prints fields as text
	Search      bool
	Imported    bool // a command stores many records at once
	DefaultSort *blueprint.Rule
	Uniques     bool
	Refs        []refView
	Limits      []limitView
	Holders     []holderView
	Ranges      []rangeView
	Keeps       []checkView // states in which a record cannot be deleted
	Sample      sampleView
}

// refView is a reference of an entity, with the rules about what may be referred to.
type refView struct {
	Field   Field
	Table   string
	Value   string // Go expression of the id
	Changed string // Go condition: the reference was set to another record
	Missing string // Go expression of the error
	Target  Entity
	Forbids []checkView
}

// checkView is a state in which a record may not be used or deleted; Example is a value of the
// rule's field that makes it so.
type checkView struct {
	Condition, Conflict, Text, Example string
	Rule                               blueprint.Rule
}

// exampleOf is a value that a rule's condition holds for.
func exampleOf(e Entity, r blueprint.Rule) string {
	other, negated := strings.CutPrefix(r.Value, "!")
	f := e.field(r.Field)
	if !negated || f == nil {
		return r.Value
	}
	i := slices.IndexFunc(f.Choices, func(c string) bool { return c != other })
	if i < 0 {
		return r.Value
	}
	return f.Choices[i]
}

// limitView is a rule of at most N records.
type limitView struct {
	Func, Guard, Condition, Conflict, Text string
	N                                      int
	Rule                                   blueprint.Rule
	Testable                               bool
	Name, WhereInput                       string
	Field                                  *Field // nil when the limit is over all
	Rest                                   int    // how many may follow the first
}

// holderView is an entity that refers to the one that is deleted.
type holderView struct {
	Index                                  int
	Table, Type, Condition, Conflict, Text string
	Cascade                                bool
	Rule                                   blueprint.Rule
	Field                                  Field
	Testable                               bool
	WhereInput                             string
}

func (c core) entity(e Entity) entityView {
	v := entityView{
		Names: c.names, Manner: c.manner, Rules: c.bp.Rules, Entity: e, Text: c.bp.Type == "cli-tool",
		Search: searches(c.bp, e.Name),
		Imported: slices.ContainsFunc(c.bp.Commands, func(o blueprint.Command) bool {
			return o.Action == blueprint.ActImport && (o.Entity == e.Name || o.Entity == "")
		}),
	}
	for i, r := range c.bp.Rules {
		if r.Kind == blueprint.RuleSort && r.Entity == e.Name {
			v.DefaultSort = &c.bp.Rules[i]
		}
	}
	for _, f := range e.Fields {
		v.Uniques = v.Uniques || f.Unique
		if f.Kind == blueprint.Ref && !f.List {
			v.Refs = append(v.Refs, c.ref(e, f))
		}
	}
	v.Limits = c.limits(e)
	v.Holders = c.holders(e)
	v.Keeps = c.keeps(e)
	v.Ranges = c.ranges(e)
	v.Sample = c.sample(e)
	return v
}

// TakenSentence is the sentence about a value of the field that another record has, "" for the
// usual words.
func (v entityView) TakenSentence(f Field) string { return v.Manner.Taken[v.Entity.Name+"."+f.Key] }

// searches says whether a command or an endpoint of the entity searches for words.
func searches(bp *blueprint.Blueprint, entity string) bool {
	for _, c := range bp.Commands {
		uses := func(a blueprint.Arg) bool { return a.Use == blueprint.UseWords }
		if (c.Entity == entity || c.Entity == "") && (slices.ContainsFunc(c.Args, uses) || slices.ContainsFunc(c.Flags, uses)) {
			return true
		}
	}
	for _, e := range bp.Endpoints {
		if e.Entity == entity && e.Action == "list" && searchParam(e) != "" {
			return true
		}
	}
	return false
}

// searchParam is the query parameter of an endpoint that searches, "" for none.
func searchParam(e blueprint.Endpoint) string {
	for _, q := range e.Query {
		if q == "q" || q == "search" || q == "query" {
			return q
		}
	}
	return ""
}

func (c core) ref(e Entity, f Field) refView {
	target := c.names.entity(f.Ref)
	v := refView{Field: f, Target: *target, Table: tableName(*target), Value: "r." + f.Go}
	v.Changed = fmt.Sprintf("old == nil || old.%s != r.%s", f.Go, f.Go)
	if f.Pointer {
		v.Value = "*r." + f.Go
		v.Changed = fmt.Sprintf("r.%s != nil && (old == nil || !same(old.%s, r.%s))", f.Go, f.Go, f.Go)
	}
	word := c.manner.word(FaultRef)
	switch c.manner.RefStatus {
	case c.manner.Invalid:
		v.Missing = fmt.Sprintf("domain.Errors{%q: %s}", f.Key, word)
	case 404:
		v.Missing = fmt.Sprintf(`fmt.Errorf("%s %%w", domain.ErrNotFound)`, strings.ToLower(f.Name))
	default:
		v.Missing = c.conflict(f.Key, c.manner.Words[FaultRef], c.manner.RefStatus)
	}
	for _, r := range c.bp.Rules {
		if r.Kind == blueprint.RuleForbid && r.Target == e.Name && r.Entity == target.Name && (r.Other == "" || r.Other == f.Key) {
			v.Forbids = append(v.Forbids, checkView{
				Condition: matchExpr(*target, []blueprint.Match{{Field: r.Field, Value: r.Value}}, "other"),
				Conflict:  c.ruleConflict(r), Text: r.Text, Rule: r, Example: exampleOf(*target, r),
			})
		}
	}
	return v
}

func (c core) limits(e Entity) []limitView {
	var out []limitView
	for _, r := range c.bp.Rules {
		if r.Kind != blueprint.RuleLimit || r.Entity != e.Name {
			continue
		}
		v := limitView{Func: fmt.Sprintf("check%sLimit%d", e.Type, len(out)+1), N: r.N, Text: r.Text, Rule: r, Conflict: c.ruleConflict(r)}
		guard, condition := []string{}, []string{"o.ID != r.ID"}
		var moved []string
		if len(r.Where) > 0 {
			guard = append(guard, matchExpr(e, r.Where, "r"))
			condition = append(condition, matchExpr(e, r.Where, "o"))
			moved = append(moved, negated(matchExpr(e, r.Where, "old"), len(r.Where)))
		}
		if f := e.field(r.Field); f != nil {
			condition = append(condition, sameExpr(*f, "o", "r"))
			moved = append(moved, differExpr(*f, "old", "r"))
			if f.Pointer {
				guard = append(guard, "r."+f.Go+" != nil")
			} else if f.Type == "string" && !f.Required {
				guard = append(guard, "r."+f.Go+` != ""`)
			}
		}
		isNew := strings.Join(append([]string{"old == nil"}, moved...), " || ")
		if len(guard) > 0 && len(moved) > 0 {
			isNew = "(" + isNew + ")"
		}
		v.Guard = strings.Join(append(guard, isNew), " && ")
		v.Condition = strings.Join(condition, " && ")
		v.Name, v.Field, v.Rest = fmt.Sprintf("%sLimit%d", e.Type, len(out)+1), e.field(r.Field), r.N-1
		v.WhereInput, v.Testable = whereInput(r.Where)
		v.Testable = v.Testable && r.N <= 10 && (v.Field == nil || !v.Field.Unique && !v.Field.List && (v.Field.Required || v.Field.Kind != blueprint.Ref) && v.Field.Kind != blueprint.Bool && v.Field.Kind != blueprint.DateTime)
		out = append(out, v)
	}
	return out
}

func (c core) holders(e Entity) []holderView {
	var out []holderView
	for _, other := range c.names.Entities {
		for _, f := range other.Fields {
			if f.Kind != blueprint.Ref || f.Ref != e.Name || f.List {
				continue
			}
			condition := "o." + f.Go + " == id"
			if f.Pointer {
				condition = "same(o." + f.Go + ", &id)"
			}
			h := holderView{Index: len(out) + 1, Table: tableName(other), Type: other.Type, Condition: condition, Field: f}
			h.Conflict = c.conflict("", fmt.Sprintf("%s %s to it", other.Plural, "still refer"), 409)
			h.Rule.Status = 409
			for _, r := range c.bp.Rules {
				if (r.Kind != blueprint.RuleDelete && r.Kind != blueprint.RuleCascade) || r.Entity != e.Name || r.Target != other.Name {
					continue
				}
				h.Rule, h.Text, h.Cascade = r, r.Text, r.Kind == blueprint.RuleCascade
				if !h.Cascade {
					h.Conflict = c.ruleConflict(r)
				}
				if len(r.Where) > 0 {
					h.Condition += " && " + matchExpr(other, r.Where, "o")
				}
			}
			h.WhereInput, h.Testable = whereInput(h.Rule.Where)
			h.Testable = h.Testable && c.makable(e, nil) && c.makable(other, nil)
			out = append(out, h)
		}
	}
	return out
}

func (c core) keeps(e Entity) []checkView {
	var out []checkView
	for _, r := range c.bp.Rules {
		if keeps(r, e) {
			out = append(out, checkView{
				Condition: matchExpr(e, []blueprint.Match{{Field: r.Field, Value: r.Value}}, "old"),
				Conflict:  c.ruleConflict(r), Text: r.Text, Rule: r, Example: exampleOf(e, r),
			})
		}
	}
	return out
}

// keeps says whether a rule keeps the records of e from being deleted by a state of their own.
func keeps(r blueprint.Rule, e Entity) bool {
	return r.Kind == blueprint.RuleDelete && r.Target == "" && r.Entity == e.Name
}

func (c core) ruleConflict(r blueprint.Rule) string {
	text := strings.TrimRight(comment(strings.ReplaceAll(r.Text, "`", "")), ".!; ")
	if told, ok := c.manner.Rules[r.Text]; ok {
		text = told
	}
	return c.conflict("", text, r.Status)
}

func (c core) conflict(key, message string, status int) string {
	parts := []string{}
	if key != "" {
		parts = append(parts, "Key: "+strconv.Quote(key))
	}
	parts = append(parts, "Message: "+strconv.Quote(message))
	if c.conflictStatus() {
		parts = append(parts, "Status: "+strconv.Itoa(status))
	}
	return "&domain.Conflict{" + strings.Join(parts, ", ") + "}"
}

// conflictStatus says whether conflicts of this program have more than one HTTP status.
func (c core) conflictStatus() bool {
	if c.manner.Unique != 409 && c.manner.Unique != c.manner.Invalid {
		return true
	}
	if s := c.manner.RefStatus; s != 409 && s != 404 && s != c.manner.Invalid {
		return true
	}
	return slices.ContainsFunc(c.bp.Rules, func(r blueprint.Rule) bool {
		switch r.Kind {
		case blueprint.RuleForbid, blueprint.RuleLimit, blueprint.RuleDelete:
			return r.Status != 409
		}
		return false
	})
}

// matchExpr is the Go condition that the record in the variable v fulfils all matches.
func matchExpr(e Entity, matches []blueprint.Match, v string) string {
	var parts []string
	for _, m := range matches {
		f := e.field(m.Field)
		if f == nil {
			continue
		}
		at := v + "." + f.Go
		switch {
		case f.Kind == blueprint.Bool && m.Value == "yes":
			parts = append(parts, at)
		case f.Kind == blueprint.Bool:
			parts = append(parts, "!"+at)
		case m.Value == "" && f.Pointer:
			parts = append(parts, at+" == nil")
		case m.Value == "*" && f.Pointer:
			parts = append(parts, at+" != nil")
		case m.Value == "*":
			parts = append(parts, at+` != ""`)
		case strings.HasPrefix(m.Value, "!"):
			parts = append(parts, at+" != "+literal(f.Field, m.Value[1:]))
		default:
			parts = append(parts, at+" == "+literal(f.Field, m.Value))
		}
	}
	return strings.Join(parts, " && ")
}

func negated(expr string, parts int) string {
	if rest, ok := strings.CutPrefix(expr, "!"); ok && parts == 1 {
		return rest
	}
	if parts == 1 && !strings.Contains(expr, " ") {
		return "!" + expr
	}
	return "!(" + expr + ")"
}

func sameExpr(f Field, a, b string) string {
	if f.Pointer {
		return fmt.Sprintf("same(%s.%s, %s.%s)", a, f.Go, b, f.Go)
	}
	return fmt.Sprintf("%s.%s == %s.%s", a, f.Go, b, f.Go)
}

func differExpr(f Field, a, b string) string {
	if f.Pointer {
		return "!" + sameExpr(f, a, b)
	}
	return fmt.Sprintf("%s.%s != %s.%s", a, f.Go, b, f.Go)
}
