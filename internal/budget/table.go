package budget

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"
)

//go:embed prices.json
var builtin []byte

// ErrUnpriced means that no price is known for a model; see [UnpricedError].
var ErrUnpriced = errors.New("no price is known")

// UnpricedError names the model without a price, and what may have been meant.
type UnpricedError struct {
	Model   string
	Nearest string    // the id or alias spelled most alike; "" when none is near
	Since   time.Time // when prices begin, for a model that has some later
}

// Error says what is missing.
func (e *UnpricedError) Error() string {
	switch {
	case !e.Since.IsZero():
		return fmt.Sprintf("model %q has no price before %s", e.Model, e.Since.Format(time.DateOnly))
	case e.Nearest != "":
		return fmt.Sprintf("no price is known for model %q; the nearest is %q", e.Model, e.Nearest)
	}
	return fmt.Sprintf("no price is known for model %q", e.Model)
}

// Is makes the error match ErrUnpriced.
func (e *UnpricedError) Is(target error) bool { return target == ErrUnpriced }

// Table knows what models cost. It does not change; With makes another one.
type Table struct {
	rows    map[string][]Price // by exact id, oldest first
	aliases map[string]string
}

// LoadTable reads the table that is built in.
func LoadTable() (Table, error) {
	var file struct {
		Rows    []Price           `json:"rows"`
		Aliases map[string]string `json:"aliases"`
	}
	dec := json.NewDecoder(bytes.NewReader(builtin))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&file); err != nil {
		return Table{}, fmt.Errorf("read prices: %w", err)
	}
	t, err := Table{}.With(file.Rows)
	if err != nil {
		return Table{}, fmt.Errorf("read prices: %w", err)
	}
	for alias, id := range file.Aliases {
		if _, taken := t.rows[alias]; taken || t.rows[id] == nil {
			return Table{}, fmt.Errorf("read prices: alias %q of %q is taken or leads nowhere", alias, id)
		}
	}
	t.aliases = file.Aliases
	return t, nil
}

// With returns a table in which rows replace all that was known of their models, aliases included.
// A class of cached tokens without a rate is priced as plain input. The error names the first row
// that cannot be right, or two rows of a model that begin on the same day.
func (t Table) With(rows []Price) (Table, error) {
	next := Table{rows: maps.Clone(t.rows), aliases: maps.Clone(t.aliases)}
	if next.rows == nil {
		next.rows = map[string][]Price{}
	}
	own := map[string][]Price{}
	for _, p := range rows {
		if err := p.Check(); err != nil {
			return Table{}, err
		}
		own[p.Model] = append(own[p.Model], p.filled())
	}
	for model, list := range own {
		slices.SortStableFunc(list, func(a, b Price) int { return a.ValidFrom.Compare(b.ValidFrom) })
		for i := range list[1:] {
			if list[i].ValidFrom.Equal(list[i+1].ValidFrom) {
				return Table{}, fmt.Errorf("check price of %s: two rows begin on %s", model, list[i].ValidFrom.Format(time.DateOnly))
			}
		}
		next.rows[model] = list
		delete(next.aliases, model)
	}
	return next, nil
}

// Lookup returns the price of a model at a time. Only exact ids and explicit aliases are known;
// anything else is an *UnpricedError. Price.Model is the id, also for an alias.
func (t Table) Lookup(model string, at time.Time) (Price, error) {
	id := model
	if to, ok := t.aliases[model]; ok {
		id = to
	}
	list := t.rows[id]
	for _, p := range slices.Backward(list) {
		if !at.Before(p.ValidFrom) {
			return p, nil
		}
	}
	if len(list) > 0 {
		return Price{}, &UnpricedError{Model: model, Since: list[0].ValidFrom}
	}
	return Price{}, &UnpricedError{Model: model, Nearest: nearest(model, t.names())}
}

// Rows returns all rows, by model and date.
func (t Table) Rows() []Price {
	var all []Price
	for _, id := range slices.Sorted(maps.Keys(t.rows)) {
		all = append(all, t.rows[id]...)
	}
	return all
}

// Aliases returns the explicit aliases with the ids they stand for.
func (t Table) Aliases() map[string]string { return maps.Clone(t.aliases) }

func (t Table) names() []string {
	names := slices.Collect(maps.Keys(t.rows))
	names = slices.AppendSeq(names, maps.Keys(t.aliases))
	slices.Sort(names)
	return names
}

// nearest is the first of the names that takes the fewest edits, or "" when more than a third of
// the letters would have to change.
func nearest(word string, names []string) string {
	if len(word) > 100 {
		return ""
	}
	best, least := "", len(word)/3+1
	for _, n := range names {
		if d := edits(word, n); d < least {
			best, least = n, d
		}
	}
	return best
}

// edits is the Levenshtein distance in bytes.
func edits(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j+1]+1, row[j]+1)
		}
	}
	return row[len(b)]
}
