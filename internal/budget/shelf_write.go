package budget

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
)

// SameRates says whether two rows cost the same for text, in every class and band.
func (p Price) SameRates(q Price) bool {
	if p.base() != q.base() || (p.Long == nil) != (q.Long == nil) {
		return false
	}
	return p.Long == nil || *p.Long == *q.Long
}

// Over is s laid over an older list of the same seller: models of s come before, and take the ids
// and aliases they go by from the older ones. Source and date of older rows stay theirs.
func (s Shelf) Over(old Shelf) (Shelf, error) {
	taken := map[string]bool{}
	for _, p := range s.Models {
		taken[p.ID] = true
		for _, a := range p.Aliases {
			taken[a] = true
		}
	}
	next := s
	next.Models = slices.Clone(s.Models)
	for _, p := range old.Models {
		if taken[p.ID] {
			continue
		}
		p.Aliases = slices.DeleteFunc(slices.Clone(p.Aliases), func(a string) bool { return taken[a] })
		p.Rows = slices.Clone(p.Rows)
		for i := range p.Rows {
			p.Rows[i].Source = cmp.Or(p.Rows[i].Source, old.Source)
			p.Rows[i].CheckedOn = cmp.Or(p.Rows[i].CheckedOn, old.CheckedOn)
		}
		next.Models = append(next.Models, p)
	}
	slices.SortFunc(next.Models, func(a, b Product) int { return cmp.Compare(a.ID, b.ID) })
	if next.CheckedOn == "" {
		next.Source, next.CheckedOn = old.Source, old.CheckedOn
	}
	return next, next.Check()
}

// Encode writes a list as a file, a model a line, so that changes can be read.
func (s Shelf) Encode() ([]byte, error) {
	head := s
	head.Models = []Product{}
	raw, err := json.MarshalIndent(head, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("encode price list: %w", err)
	}
	var b bytes.Buffer
	b.Write(bytes.TrimSuffix(raw, []byte("[]\n}")))
	b.WriteString("[\n")
	for i, p := range s.Models {
		line, err := json.Marshal(p)
		if err != nil {
			return nil, fmt.Errorf("encode price of %s: %w", p.ID, err)
		}
		end := ",\n"
		if i == len(s.Models)-1 {
			end = "\n"
		}
		b.WriteString("    " + string(line) + end)
	}
	b.WriteString("  ]\n}\n")
	return b.Bytes(), nil
}
