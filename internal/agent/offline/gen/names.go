package gen

import (
	"strings"

	"github.com/seed-c331f47d/builder/internal/agent/offline/blueprint"
)

// Names are the Go names of a generated program.
type Names struct {
	Program  string // the command and the folder below cmd: "toolshed"
	Module   string // the module path; imports are Module + "/internal/domain" and "/internal/store"
	Entities []Entity
}

// Entity is an entity with its Go names.
type Entity struct {
	blueprint.Entity
	Type   string  // type in package domain, and the ending of its functions: "Tool"
	Types  string  // plural for ListTools
	Stem   string  // file name without ending
	Spoken string  // in running text: "tool"
	Bucket string  // name in the store: "tools"
	Fields []Field // hides the fields without names
}

// Field is a field with its Go names.
type Field struct {
	blueprint.Field
	Go      string // field of the struct: "BoughtOn"
	Type    string // plain Go type of one value: "Date"
	Pointer bool   // the field is a pointer, nil when absent
}

// NamesOf gives the names that every generator uses for bp. They are valid, unique and the same
// for the same blueprint.
func NamesOf(bp *blueprint.Blueprint) Names {
	n := Names{Program: programName(bp.Name)}
	n.Module = modulePath(n.Program)
	taken := map[string]bool{}
	for _, word := range strings.Fields("Input Typed Errors ErrNotFound Conflict Money ParseMoney Date ParseDate DB Open Query Page Close") {
		taken[word] = true
	}
	stems := map[string]bool{}
	for _, word := range strings.Fields("doc errors input parse money date filter order query store table rules main server respond request") {
		stems[word] = true
	}
	for i, e := range bp.Entities {
		n.Entities = append(n.Entities, nameEntity(e, i, taken, stems))
	}
	return n
}

func nameEntity(e blueprint.Entity, index int, taken, stems map[string]bool) Entity {
	out := Entity{Entity: e, Type: exported(e.Name, "T"), Types: exported(e.Plural, "T"), Spoken: strings.ToLower(e.Name)}

	if out.Types == out.Type {
		out.Types += "List"
	}
	for anyTaken(taken, out.names()) {
		out.Type, out.Types = out.Type+"Record", out.Type+"Records"
	}
	for _, name := range out.names() {
		taken[name] = true
	}
	out.Stem = fileStem(out.Type, index)
	for stems[out.Stem] {
		out.Stem += "record"
	}
	stems[out.Stem], out.Bucket = true, out.Stem
	used := map[string]bool{"ID": true, "With": true, "Text": true}
	for _, f := range e.Fields {
		named := Field{Field: f, Go: exported(f.Name, "F"), Type: goType(f.Kind), Pointer: isPointer(f)}
		for used[named.Go] {
			named.Go += "Field"
		}
		used[named.Go] = true
		out.Fields = append(out.Fields, named)
	}
	return out
}

// names are all names that an entity takes in the domain and store packages.
func (e Entity) names() []string {
	return []string{
		e.Type, "New" + e.Type, "Filter" + e.Type, "Order" + e.Type, "Search" + e.Type, e.Type + "Keys",
		"Create" + e.Type, "Get" + e.Type, "Update" + e.Type, "Delete" + e.Type, "List" + e.Types, "Import" + e.Types,
	}
}

func anyTaken(taken map[string]bool, names []string) bool {
	for _, name := range names {
		if taken[name] {
			return true
		}
	}
	return false
}

func goType(k blueprint.Kind) string {
	switch k {
	case blueprint.Integer, blueprint.Ref:
		return "int64"
	case blueprint.Decimal:
		return "float64"
	case blueprint.Money:
		return "Money"
	case blueprint.Date:
		return "Date"
	case blueprint.DateTime:
		return "time.Time"
	case blueprint.Bool:
		return "bool"
	default:
		return "string"
	}
}

// isPointer says whether an absent value needs a nil: text has the empty string for it, yes/no
// fields are no, and what is required or has a default is never absent.
func isPointer(f blueprint.Field) bool {
	return !f.List && !f.Required && f.Default == "" && goType(f.Kind) != "string" && f.Kind != blueprint.Bool
}

// nullable says whether the empty string stands for an absent value of f.
func nullable(f Field) bool {
	return f.Type == "string" && !f.List && !f.Required && f.Default == ""
}

// NullTexts lists the fields of e that may be absent and have no nil for it.
func (e Entity) NullTexts() []Field {
	var out []Field
	for _, f := range e.Fields {
		if nullable(f) {
			out = append(out, f)
		}
	}
	return out
}

// GoType is the type of the struct field.
func (f Field) GoType() string {
	switch {
	case f.List:
		return "[]" + f.Type
	case f.Pointer:
		return "*" + f.Type
	default:
		return f.Type
	}
}

// entity finds an entity by the name the spec gives it.
func (n Names) entity(name string) *Entity {
	for i, e := range n.Entities {
		if e.Name == name {
			return &n.Entities[i]
		}
	}
	return nil
}

// field finds a field by key.
func (e Entity) field(key string) *Field {
	for i, f := range e.Fields {
		if f.Key == key {
			return &e.Fields[i]
		}
	}
	return nil
}
