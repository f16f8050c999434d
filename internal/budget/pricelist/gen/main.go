// Gen writes the built-in price lists from the lists of others; see docs/prices.md for how to run it.
//
// The rules are: rows and their dates come from genai-prices; window, most output and abilities from
// LiteLLM; a model whose price today the two do not agree on is left out, and so is what is sold by
// a router, whose list price is not what an upstream may bill. Rows of Anthropic are kept by hand.
package main

import (
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/seed-c331f47d/builder/internal/budget"
	"github.com/seed-c331f47d/builder/internal/budget/pricelist"
)

func main() {
	genai := flag.String("genai", "", "JSON that export.mjs wrote")
	lite := flag.String("litellm", "", "LiteLLM's model_prices_and_context_window.json")
	source := flag.String("source", "", "as in: npm @pydantic/genai-prices 0.1.8; limits: PyPI litellm 1.109.1")
	day := flag.String("checked-on", "", "day of genai-prices' release, 2006-01-02")
	out := flag.String("o", "internal/budget/prices", "folder of the built-in lists")
	flag.Parse()
	if err := run(*genai, *lite, *source, *day, *out, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "gen:", err)
		os.Exit(1)
	}
}

func run(genai, lite, source, day, out string, say io.Writer) error {
	rows, err := read(genai, source, day)
	if err != nil {
		return err
	}
	limits, err := read(lite, source, day)
	if err != nil {
		return err
	}
	at, err := time.Parse(time.DateOnly, day)
	if err != nil {
		return fmt.Errorf("read day: %w", err)
	}
	for _, s := range rows.Shelves {
		if s.Seller == budget.Anthropic {
			continue
		}
		if s.Seller == "openrouter" {
			rows.Left["sold by a router"] += len(s.Models)
			continue
		}
		s.Models = merge(s, other(limits, s.Seller), at, rows.Left)
		raw, err := s.Encode()
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(out, s.Seller+".json"), raw, 0o644); err != nil {
			return fmt.Errorf("write list: %w", err)
		}
		fmt.Fprintf(say, "%s: %d models\n", s.Seller, len(s.Models))
	}
	for _, reason := range slices.Sorted(maps.Keys(rows.Left)) {
		fmt.Fprintf(say, "left out, %s: %d\n", reason, rows.Left[reason])
	}
	return nil
}

func read(path, source, day string) (pricelist.List, error) {
	f, err := os.Open(path)
	if err != nil {
		return pricelist.List{}, fmt.Errorf("open list: %w", err)
	}
	defer f.Close()
	return pricelist.Read(f, source, day)
}

// other is what a list says of a seller, by id.
func other(l pricelist.List, seller string) map[string]budget.Product {
	found := map[string]budget.Product{}
	for _, s := range l.Shelves {
		if s.Seller == seller {
			for _, p := range s.Models {
				found[p.ID] = p
			}
		}
	}
	return found
}

// merge adds the limits and abilities that the other list has, and leaves out what the two do not
// agree on.
func merge(s budget.Shelf, limits map[string]budget.Product, at time.Time, left map[string]int) []budget.Product {
	var kept []budget.Product
	for _, p := range s.Models {
		if s.Seller == budget.OpenAI && strings.HasPrefix(p.ID, "gpt-oss") {
			left["not sold there"]++
			continue
		}
		if !agree(&p, limits, at, left) {
			continue
		}
		kept = append(kept, p)
	}
	return kept
}

// agree holds a model and its aliases against the other list, and takes limits and abilities from
// there. A model that is priced otherwise is out; an alias that is, is dropped, and takes a model
// with it that is known there by that alias only.
func agree(p *budget.Product, limits map[string]budget.Product, at time.Time, left map[string]int) bool {
	row, known := current(*p, at), false
	same := func(name string) bool {
		q, ok := limits[name]
		if !ok {
			return true
		}
		if q.Rows[0].Input != row.Input || q.Rows[0].Output != row.Output {
			left["the two sources disagree"]++
			fmt.Fprintf(os.Stderr, "disagree on %s: %s/%s, %s/%s\n", name, row.Input, row.Output, q.Rows[0].Input, q.Rows[0].Output)
			return false
		}
		if !known {
			known, p.Traits, p.Window, p.MaxOutput = true, q.Traits, max(p.Window, q.Window), q.MaxOutput
		}
		return true
	}
	if !same(p.ID) {
		return false
	}
	sure := true
	p.Aliases = slices.DeleteFunc(p.Aliases, func(name string) bool {
		ok := same(name)
		sure = sure && (ok || known)
		return !ok
	})
	return sure
}

// current is the row of a product that holds at a time.
func current(p budget.Product, at time.Time) budget.Row {
	var row budget.Row
	for _, r := range p.Rows {
		if !at.Before(r.ValidFrom) {
			row = r
		}
	}
	return row
}
