package gen

import "github.com/seed-c331f47d/builder/internal/agent/offline/blueprint"

// rangeView is a parameter of lists that compares a field.
type rangeView struct {
	Param   string
	Field   Field
	Compare string // Go expression of the order of two values
	Accept  string // Go function that says which orders fulfil the condition
}

// ranges are the comparing parameters of all lists of e. A field of the same name wins.
func (c core) ranges(e Entity) []rangeView {
	accept := map[string]string{"<": "below", "<=": "notAbove", ">": "above", ">=": "notBelow"}
	var out []rangeView
	seen := map[string]bool{}
	for _, ep := range c.bp.Endpoints {
		if ep.Entity != e.Name {
			continue
		}
		for _, r := range ep.Ranges {
			f := e.field(r.Field)
			if f == nil || e.field(r.Param) != nil || seen[r.Param] {
				continue
			}
			seen[r.Param] = true
			v := rangeView{Param: r.Param, Field: *f, Compare: "cmp.Compare[" + f.Type + "]", Accept: accept[r.Compare]}
			if f.Kind == blueprint.DateTime {
				v.Compare = "time.Time.Compare"
			}
			out = append(out, v)
		}
	}
	return out
}
