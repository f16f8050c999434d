package budget

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"
)

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

// Table knows what models cost. It does not change; its methods make other ones.
type Table struct {
	stocks []stock // the user's own rows first, then sellers; of an id the first one counts
}

// stock is what one seller has.
type stock struct {
	seller  string             // "" for the user's own rows
	rows    map[string][]Price // by exact id, oldest first
	aliases map[string]string  // exact ids that stand for others
	traits  map[string]Traits  // by exact id
}

// LoadTable reads what is built in of the sellers named, in that order; without names of all. Only
// what is named is decoded: a program that calls one seller does not pay for the others at its start.
func LoadTable(sellers ...string) (Table, error) {
	if len(sellers) == 0 {
		sellers = Sellers()
	}
	var t Table
	for _, name := range sellers {
		s, err := builtShelf(name)
		if err != nil {
			return Table{}, fmt.Errorf("read prices of %s: %w", name, err)
		}
		if t, err = t.WithShelf(s); err != nil {
			return Table{}, fmt.Errorf("read prices of %s: %w", name, err)
		}
	}
	return t, nil
}

// WithShelf returns a table in which the models of s replace what was known of the same models at
// the same seller, aliases included.
func (t Table) WithShelf(s Shelf) (Table, error) {
	add, err := s.index()
	if err != nil {
		return Table{}, err
	}
	add.seller = s.Seller
	next := Table{stocks: slices.Clone(t.stocks)}
	for i, old := range next.stocks {
		if old.seller == s.Seller {
			next.stocks[i] = old.with(add)
			return next, nil
		}
	}
	next.stocks = append(next.stocks, add)
	return next, nil
}

// with lays add over s.
func (s stock) with(add stock) stock {
	next := stock{seller: s.seller, rows: maps.Clone(s.rows), aliases: maps.Clone(s.aliases), traits: maps.Clone(s.traits)}
	for id, rows := range add.rows {
		delete(next.aliases, id)
		next.rows[id], next.traits[id] = rows, add.traits[id]
	}
	for alias, id := range add.aliases {
		delete(next.rows, alias)
		delete(next.traits, alias)
		next.aliases[alias] = id
	}
	for alias, id := range next.aliases {
		if next.rows[id] == nil {
			delete(next.aliases, alias)
		}
	}
	return next
}

// With returns a table in which rows of the user's own come before all that is known of their
// models, aliases included. A class of cached tokens without a rate is priced as plain input. The
// error names the first row that cannot be right, or two rows of a model that begin on the same day.
func (t Table) With(rows []Price) (Table, error) {
	own := stock{rows: map[string][]Price{}, aliases: map[string]string{}, traits: map[string]Traits{}}
	for _, p := range rows {
		p.Seller = ""
		if err := p.Check(); err != nil {
			return Table{}, err
		}
		own.rows[p.Model] = append(own.rows[p.Model], p.filled())
	}
	for _, list := range own.rows {
		slices.SortStableFunc(list, func(a, b Price) int { return a.ValidFrom.Compare(b.ValidFrom) })
		if err := checkRows(list); err != nil {
			return Table{}, err
		}
	}
	stocks := slices.Clone(t.stocks)
	if len(stocks) > 0 && stocks[0].seller == "" {
		own = stocks[0].with(own)
		stocks = stocks[1:]
	}
	return Table{stocks: append([]stock{own}, stocks...)}, nil
}

// Lookup returns the price of a model at a time. Only exact ids and explicit aliases are known;
// anything else is an *UnpricedError. Price.Model is the id, also for an alias.
func (t Table) Lookup(model string, at time.Time) (Price, error) {
	s, id, ok := t.find(model)
	if !ok {
		return Price{}, &UnpricedError{Model: model, Nearest: Nearest(model, t.names())}
	}
	list := s.rows[id]
	for _, p := range slices.Backward(list) {
		if !at.Before(p.ValidFrom) {
			return p, nil
		}
	}
	return Price{}, &UnpricedError{Model: model, Since: list[0].ValidFrom}
}

// Traits are what is known of a model's abilities; the zero value when nothing is. Where the user's
// own row prices it, the seller's words on its abilities still hold.
func (t Table) Traits(model string) Traits {
	for _, s := range t.stocks {
		if tr, ok := s.traits[s.id(model)]; ok {
			return tr
		}
	}
	return Traits{}
}

// TraitsOf are the abilities of the model of a row, at the seller of the row.
func (t Table) TraitsOf(p Price) Traits {
	for _, s := range t.stocks {
		if s.seller == p.Seller && p.Seller != "" {
			return s.traits[p.Model]
		}
	}
	return t.Traits(p.Model)
}

// find is the first stock that has a model, with its id there.
func (t Table) find(model string) (stock, string, bool) {
	for _, s := range t.stocks {
		if id := s.id(model); len(s.rows[id]) > 0 {
			return s, id, true
		}
	}
	return stock{}, "", false
}

// id is what a model is called here.
func (s stock) id(model string) string {
	if id, ok := s.aliases[model]; ok {
		return id
	}
	return model
}

// Rows returns all rows, by seller, model and date: the user's own first.
func (t Table) Rows() []Price {
	var all []Price
	for _, s := range t.stocks {
		for _, id := range slices.Sorted(maps.Keys(s.rows)) {
			all = append(all, s.rows[id]...)
		}
	}
	return all
}

// Aliases returns the explicit aliases with the ids they stand for, by seller.
func (t Table) Aliases() map[string]map[string]string {
	all := map[string]map[string]string{}
	for _, s := range t.stocks {
		if len(s.aliases) > 0 {
			all[s.seller] = maps.Clone(s.aliases)
		}
	}
	return all
}

func (t Table) names() []string {
	var names []string
	for _, s := range t.stocks {
		names = slices.AppendSeq(names, maps.Keys(s.rows))
		names = slices.AppendSeq(names, maps.Keys(s.aliases))
	}
	slices.Sort(names)
	return slices.Compact(names)
}
