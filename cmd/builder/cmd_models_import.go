package main

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/seed-c331f47d/builder/internal/budget"
	"github.com/seed-c331f47d/builder/internal/budget/pricelist"
)

type importOptions struct {
	file           string
	seller         string
	dryRun, asJSON bool
}

func newModelsImport(a *app) *cobra.Command {
	var o importOptions
	c := &cobra.Command{
		Use: "import FILE", Short: "Take prices over from LiteLLM's, models.dev's or genai-prices' list", Args: cobra.ExactArgs(1),
		Long: `Import reads model_prices_and_context_window.json of LiteLLM, api.json of models.dev, or the data of
genai-prices, whichever FILE is, and keeps what is new or priced otherwise beside your configuration,
a file for each seller. It fetches nothing. From then on these prices count: look at what changes
first, with --dry-run. Models whose prices cannot be expressed here are left out and counted.`,
		RunE: func(_ *cobra.Command, args []string) error {
			o.file = args[0]
			return a.runImport(o)
		},
	}
	c.Flags().BoolVar(&o.dryRun, "dry-run", false, "show what would change; write nothing")
	c.Flags().StringVar(&o.seller, "provider", "", "only those of one seller: "+strings.Join(budget.Sellers(), ", "))
	c.Flags().BoolVar(&o.asJSON, "json", false, "print JSON")
	return c
}

// priceChange is a model that a list prices otherwise than it was known.
type priceChange struct {
	Model  string       `json:"model"`
	Input  budget.Micro `json:"input"`
	Output budget.Micro `json:"output"`
	Was    *priceWas    `json:"was,omitempty"` // nil: new
}

type priceWas struct {
	Input  budget.Micro `json:"input"`
	Output budget.Micro `json:"output"`
}

// importedSeller is what a list brings for one seller.
type importedSeller struct {
	Seller  string        `json:"seller"`
	New     int           `json:"new"`
	Changed int           `json:"changed"`
	Same    int           `json:"same"`
	Models  []priceChange `json:"models"`
	shelf   budget.Shelf  // what is kept
}

func (a *app) runImport(o importOptions) error {
	if o.seller != "" && !budget.KnownSeller(o.seller) {
		return usage("E_USAGE", "use one of: "+strings.Join(budget.Sellers(), ", "), "nothing is known of the seller %q", o.seller)
	}
	list, err := a.readList(o.file)
	if err != nil {
		return err
	}
	var found []importedSeller
	for _, s := range list.Shelves {
		if o.seller != "" && o.seller != s.Seller {
			continue
		}
		is, err := a.compare(s)
		if err != nil {
			return err
		}
		found = append(found, is)
	}
	if !o.dryRun {
		for _, is := range found {
			if err := a.keepPrices(is); err != nil {
				return err
			}
		}
	}
	if o.asJSON {
		return writeJSON(a.out, map[string]any{"version": 1, "list": list.Kind, "dry_run": o.dryRun, "sellers": found, "left_out": list.Left})
	}
	a.showImport(list, found, o.dryRun)
	return nil
}

// readList reads a price list; its day is the file's, for that is when its prices were so.
func (a *app) readList(path string) (pricelist.List, error) {
	f, err := os.Open(path)
	if err != nil {
		return pricelist.List{}, usage("E_PRICE_INVALID", "as in: builder models import api.json", "%s", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() {
		return pricelist.List{}, usage("E_PRICE_INVALID", "as in: builder models import api.json", "%s is not a file", path)
	}
	now := nowOr(clock(a))
	day := info.ModTime().UTC()
	if day.After(now) {
		day = now
	}
	list, err := pricelist.Read(f, "imported from "+filepath.Base(path), day.Format(time.DateOnly))
	if err != nil {
		return list, usage("E_PRICE_INVALID", "give LiteLLM's model_prices_and_context_window.json, models.dev's api.json, or the data of genai-prices", "%s: %s", path, err)
	}
	return list, nil
}

// compare finds what a shelf adds to or changes in what is known, and lays it over what was imported
// before.
func (a *app) compare(s budget.Shelf) (importedSeller, error) {
	out := importedSeller{Seller: s.Seller}
	table, err := a.priceTable([]string{s.Seller}, nil)
	if err != nil {
		return out, err
	}
	before, err := a.imported(s.Seller)
	if err != nil {
		return out, err
	}
	now := nowOr(clock(a))
	keep := s
	keep.Models = nil
	for _, p := range s.Models {
		one := budget.Shelf{Seller: s.Seller, Source: s.Source, CheckedOn: s.CheckedOn, Models: []budget.Product{p}}
		next, err := budget.Table{}.WithShelf(one)
		if err != nil {
			return out, err
		}
		is, err := next.Lookup(p.ID, now)
		if err != nil {
			continue // not sold yet
		}
		was, err := table.Lookup(p.ID, now)
		switch change := (priceChange{Model: p.ID, Input: is.Input, Output: is.Output}); {
		case err == nil && is.SameRates(was):
			out.Same++
			continue
		case err == nil:
			change.Was = &priceWas{was.Input, was.Output}
			out.Changed++
			out.Models = append(out.Models, change)
		default:
			out.New++
			out.Models = append(out.Models, change)
		}
		keep.Models = append(keep.Models, p)
	}
	out.shelf, err = keep.Over(before)
	return out, err
}

// keepPrices writes a seller's list beside the configuration, whole or not at all.
func (a *app) keepPrices(is importedSeller) error {
	if is.New+is.Changed == 0 {
		return nil
	}
	path := a.importPath(is.Seller)
	if !filepath.IsAbs(path) {
		return usage("E_HOME", "export HOME=…", "neither HOME nor XDG_CONFIG_HOME names a folder")
	}
	raw, err := is.shelf.Encode()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fmt.Errorf("make folder of prices: %w", err)
	}
	return replaceFile(path, raw)
}

// replaceFile writes a file beside path, makes it durable, and moves it there.
func replaceFile(path string, content []byte) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), ".prices-*")
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("write %s: %w", path, err), os.Remove(f.Name()))
		}
	}()
	_, err = f.Write(content)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}

// shownChanges is how many models of a seller are named.
const shownChanges = 20

func (a *app) showImport(list pricelist.List, found []importedSeller, dry bool) {
	fmt.Fprintf(a.out, "a list of %s: %d models that can be priced\n", list.Kind, list.Models())
	for _, is := range found {
		fmt.Fprintf(a.out, "%s: %d new, %d changed, %d as known\n", is.Seller, is.New, is.Changed, is.Same)
		for i, m := range is.Models {
			if i == shownChanges {
				fmt.Fprintf(a.out, "  … and %d more: --json names them\n", len(is.Models)-i)
				break
			}
			was := "new"
			if m.Was != nil {
				was = "was " + rate(m.Was.Input) + "/" + rate(m.Was.Output)
			}
			fmt.Fprintf(a.out, "  %s %s/%s (%s)\n", m.Model, rate(m.Input), rate(m.Output), was)
		}
	}
	for _, reason := range slices.Sorted(maps.Keys(list.Left)) {
		fmt.Fprintf(a.out, "left out, %s: %d\n", reason, list.Left[reason])
	}
	if dry {
		fmt.Fprintln(a.out, "dry run: nothing is written")
		return
	}
	fmt.Fprintf(a.out, "kept in %s; remove a file there to go back\n", filepath.Dir(a.importPath("x")))
}
