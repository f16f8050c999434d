package budget

import (
	"bytes"
	"cmp"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"time"
)

//go:embed prices/*.json
var builtin embed.FS

// Shelf is a price list of one seller, as it stands in a file. The fields of the list hold for every
// model and row that does not say otherwise.
type Shelf struct {
	Seller    string    `json:"seller"`
	Source    string    `json:"source"`
	CheckedOn string    `json:"checked_on"` // 2006-01-02
	Models    []Product `json:"models"`
}

// Product is a model of a shelf: its exact id, the other exact ids it goes by, and its dated rows.
type Product struct {
	ID      string   `json:"id"`
	Aliases []string `json:"aliases,omitempty"`
	Traits
	Window    int64 `json:"window,omitempty"`
	MaxOutput int64 `json:"max_output,omitempty"`
	Rows      []Row `json:"prices"`
}

// Row is what a product costs from a day on: a Price without what the product says for all.
type Row struct {
	ValidFrom    time.Time `json:"valid_from,omitzero"`
	Input        Micro     `json:"input"`
	Output       Micro     `json:"output"`
	CacheWrite5m Micro     `json:"cache_write_5m,omitempty"`
	CacheWrite1h Micro     `json:"cache_write_1h,omitempty"`
	CacheRead    Micro     `json:"cache_read,omitempty"`
	Long         *LongBand `json:"long_prompt,omitempty"`
	WebSearch    Micro     `json:"web_search,omitempty"`
	Batch        float64   `json:"batch,omitempty"`
	Free         bool      `json:"free,omitempty"`
	Source       string    `json:"source,omitempty"`     // where it is not the shelf's
	CheckedOn    string    `json:"checked_on,omitempty"` // the same
}

// maxShelf bounds a price list of one seller.
const maxShelf = 16 << 20

// ReadShelf reads and checks a price list.
func ReadShelf(r io.Reader) (Shelf, error) {
	s, err := decodeShelf(r)
	if err != nil {
		return Shelf{}, err
	}
	return s, s.Check()
}

// Check returns an error that names the first thing of a list that cannot be right.
func (s Shelf) Check() error {
	_, err := s.index()
	return err
}

func decodeShelf(r io.Reader) (Shelf, error) {
	raw, err := io.ReadAll(io.LimitReader(r, maxShelf+1))
	if err != nil {
		return Shelf{}, fmt.Errorf("read price list: %w", err)
	}
	if len(raw) > maxShelf {
		return Shelf{}, fmt.Errorf("read price list: it is larger than %d MiB", maxShelf>>20)
	}
	var s Shelf
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&s); err != nil {
		return Shelf{}, fmt.Errorf("read price list: %w", err)
	}
	return s, nil
}

// builtShelf is the list of a seller that is built in; empty when there is none.
func builtShelf(seller string) (Shelf, error) {
	f, err := builtin.Open("prices/" + seller + ".json")
	if errors.Is(err, fs.ErrNotExist) {
		return Shelf{Seller: seller}, nil
	}
	if err != nil {
		return Shelf{}, fmt.Errorf("open prices of %s: %w", seller, err)
	}
	s, err := decodeShelf(f)
	return s, errors.Join(err, f.Close())
}

// prices are the rows of a product, whole.
func (s Shelf) prices(p Product) []Price {
	rows := make([]Price, len(p.Rows))
	for i, r := range p.Rows {
		rows[i] = Price{
			Model: p.ID, Seller: s.Seller, ValidFrom: r.ValidFrom, Input: r.Input, Output: r.Output,
			CacheWrite5m: r.CacheWrite5m, CacheWrite1h: r.CacheWrite1h, CacheRead: r.CacheRead, Long: r.Long,
			WebSearch: r.WebSearch, Batch: r.Batch, Window: p.Window, MaxOutput: p.MaxOutput, Free: r.Free,
			Source: cmp.Or(r.Source, s.Source), CheckedOn: cmp.Or(r.CheckedOn, s.CheckedOn),
		}.filled()
	}
	slices.SortStableFunc(rows, func(a, b Price) int { return a.ValidFrom.Compare(b.ValidFrom) })
	return rows
}

// index checks a list and lays it out for looking up. The error names the first thing that cannot
// be right: a row, two rows of one day, an id that two models go by.
func (s Shelf) index() (stock, error) {
	st := stock{rows: make(map[string][]Price, len(s.Models)), aliases: map[string]string{}, traits: make(map[string]Traits, len(s.Models))}
	if _, err := time.Parse(time.DateOnly, s.CheckedOn); err != nil && len(s.Models) > 0 {
		return st, fmt.Errorf("check prices of %s: checked on %q, which is no day", s.Seller, s.CheckedOn)
	}
	for _, p := range s.Models {
		if len(p.Rows) == 0 || st.rows[p.ID] != nil {
			return st, fmt.Errorf("check prices of %s: %q has no price, or stands there twice", s.Seller, p.ID)
		}
		if err := p.Traits.check(p.ID); err != nil {
			return st, err
		}
		rows := s.prices(p)
		if err := checkRows(rows); err != nil {
			return st, err
		}
		st.rows[p.ID], st.traits[p.ID] = rows, p.Traits
	}
	for _, p := range s.Models {
		for _, a := range p.Aliases {
			if st.rows[a] != nil || st.aliases[a] != "" || !ValidID(a) {
				return st, fmt.Errorf("check prices of %s: alias %q of %q is taken or no id", s.Seller, a, p.ID)
			}
			st.aliases[a] = p.ID
		}
	}
	return st, nil
}

// checkRows checks the rows of one model, sorted by date.
func checkRows(rows []Price) error {
	for i, p := range rows {
		if err := p.Check(); err != nil {
			return err
		}
		if _, err := time.Parse(time.DateOnly, p.CheckedOn); err != nil && p.CheckedOn != "" {
			return fmt.Errorf("check price of %s: checked on %q, which is no day", p.Model, p.CheckedOn)
		}
		if i > 0 && rows[i-1].ValidFrom.Equal(p.ValidFrom) {
			return fmt.Errorf("check price of %s: two rows begin on %s", p.Model, p.ValidFrom.Format(time.DateOnly))
		}
	}
	return nil
}
