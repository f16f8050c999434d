package pricelist

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"

	"github.com/seed-c331f47d/builder/internal/budget"
)

// Kind says whose list it is.
type Kind string

// The lists that are read.
const (
	LiteLLM   Kind = "LiteLLM"
	ModelsDev Kind = "models.dev"
	GenAI     Kind = "genai-prices"
)

// ErrShape means that a text is none of the lists.
var ErrShape = errors.New("not a price list of LiteLLM, models.dev or genai-prices")

// MaxSize bounds a list; LiteLLM's has 3 MB.
const MaxSize = 32 << 20

// List is what a price list says, in our words.
type List struct {
	Kind    Kind
	Shelves []budget.Shelf // by seller's name
	Left    map[string]int // how many models were left out, by reason
}

// Models is how many models the list has.
func (l List) Models() int {
	n := 0
	for _, s := range l.Shelves {
		n += len(s.Models)
	}
	return n
}

// Read reads a list, whichever it is. source and checkedOn (2006-01-02) stand in every row. The
// error is ErrShape, or says what of the text cannot be read; single models that cannot be right
// are left out and counted.
func Read(r io.Reader, source, checkedOn string) (List, error) {
	raw, err := io.ReadAll(io.LimitReader(r, MaxSize+1))
	if err != nil {
		return List{}, fmt.Errorf("read price list: %w", err)
	}
	if len(raw) > MaxSize {
		return List{}, fmt.Errorf("read price list: it is larger than %d MiB", MaxSize>>20)
	}
	c := &collector{list: List{Left: map[string]int{}}, shelves: map[string]*shelf{}, source: source, checkedOn: checkedOn}
	if err := c.read(bytes.TrimSpace(raw)); err != nil {
		return List{}, fmt.Errorf("read price list: %w", err)
	}
	return c.done(), nil
}

func (c *collector) read(raw []byte) error {
	if len(raw) > 0 && raw[0] == '[' {
		c.list.Kind = GenAI
		return readGenAI(raw, c)
	}
	var entries map[string]json.RawMessage
	if json.Unmarshal(raw, &entries) != nil {
		return ErrShape
	}
	for _, name := range slices.Sorted(maps.Keys(entries)) {
		var look struct {
			Models   map[string]json.RawMessage `json:"models"`
			Provider string                     `json:"litellm_provider"`
		}
		if json.Unmarshal(entries[name], &look) != nil {
			continue
		}
		switch {
		case look.Models != nil:
			c.list.Kind = ModelsDev
			return readModelsDev(entries, c)
		case look.Provider != "":
			c.list.Kind = LiteLLM
			return readLiteLLM(entries, c)
		}
	}
	return ErrShape
}

// collector puts models on their shelves.
type collector struct {
	list              List
	shelves           map[string]*shelf
	source, checkedOn string
}

type shelf struct {
	models []budget.Product
	names  map[string]bool // ids and aliases that are taken
}

// left counts a model that is not taken over.
func (c *collector) left(reason string) { c.list.Left[reason]++ }

// add puts a model on a seller's shelf. An id that is taken, or a row that cannot be right, leaves
// it out; an alias that is taken is dropped.
func (c *collector) add(seller string, p budget.Product) {
	s := c.shelves[seller]
	if s == nil {
		s = &shelf{names: map[string]bool{}}
		c.shelves[seller] = s
	}
	aliases := p.Aliases
	p.Aliases = nil
	one := budget.Shelf{Seller: seller, Source: c.source, CheckedOn: c.checkedOn, Models: []budget.Product{p}}
	switch {
	case s.names[p.ID]:
		c.left("named twice")
		return
	case one.Check() != nil:
		c.left("not a possible price or id")
		return
	}
	s.names[p.ID] = true
	p.Aliases = aliases
	s.models = append(s.models, p)
}

// done sorts what was found and settles the aliases, now that all ids are known.
func (c *collector) done() List {
	for _, seller := range slices.Sorted(maps.Keys(c.shelves)) {
		s := c.shelves[seller]
		slices.SortFunc(s.models, func(a, b budget.Product) int { return bytes.Compare([]byte(a.ID), []byte(b.ID)) })
		for i, p := range s.models {
			s.models[i].Aliases = c.free(s, p.Aliases)
		}
		if len(s.models) > 0 {
			c.list.Shelves = append(c.list.Shelves, budget.Shelf{Seller: seller, Source: c.source, CheckedOn: c.checkedOn, Models: s.models})
		}
	}
	return c.list
}

// free are the aliases that no other model goes by.
func (c *collector) free(s *shelf, aliases []string) []string {
	var out []string
	for _, a := range aliases {
		if s.names[a] || !budget.ValidID(a) {
			continue
		}
		s.names[a] = true
		out = append(out, a)
	}
	slices.Sort(out)
	return out
}

// sellerOf is our name of a seller of these lists; "" for those that builder has no address of.
func sellerOf(name string) string {
	switch name {
	case "gemini", "google":
		return "google"
	case "xai", "x-ai":
		return "xai"
	case "together", "together_ai", "togetherai":
		return "together"
	case "fireworks", "fireworks_ai", "fireworks-ai":
		return "fireworks"
	case "moonshot", "moonshotai":
		return "moonshot"
	case "cohere", "cohere_chat":
		return "cohere"
	case budget.Offline:
		return ""
	}
	if budget.KnownSeller(name) {
		return name
	}
	return ""
}
