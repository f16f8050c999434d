package main

import (
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/seed-c331f47d/builder/cmd/builder/internal/config"
	"github.com/seed-c331f47d/builder/internal/budget"
)

type modelsOptions struct {
	asJSON, all bool
	seller      string
	like        string
}

func newModels(a *app) *cobra.Command {
	var o modelsOptions
	c := &cobra.Command{
		Use: "models [TEXT]", Short: "List the models that are priced", Args: cobra.MaximumNArgs(1),
		Long: `Models lists what builder can price: US dollars per million tokens, window and most output in tokens,
since when the price holds ("-" where that is not known), and when and where it was checked. With TEXT
only the models whose id holds it. Prices are kept by seller: the address that calls go to decides
whose count. A model that is not here is refused under a cap; import a newer list, or give its price
under prices: in your configuration.`,
		Example: "  builder models gpt-5\n  builder models --provider groq\n  builder models import model_prices_and_context_window.json --dry-run",
		RunE: func(_ *cobra.Command, args []string) error {
			if len(args) == 1 {
				o.like = args[0]
			}
			return a.runModels(o)
		},
	}
	c.Flags().BoolVar(&o.asJSON, "json", false, "print JSON")
	c.Flags().BoolVar(&o.all, "all", false, "also rows that are no longer, or not yet, valid")
	c.Flags().StringVar(&o.seller, "provider", "", "only those of one seller: "+strings.Join(budget.Sellers(), ", "))
	c.AddCommand(newModelsImport(a))
	return c
}

func (a *app) runModels(o modelsOptions) error {
	if o.seller != "" && !budget.KnownSeller(o.seller) {
		return usage("E_USAGE", "use one of: "+strings.Join(budget.Sellers(), ", "), "nothing is known of the seller %q", o.seller)
	}
	c, err := config.Load(config.Sources{User: config.UserPath(a.env), Environ: a.env})
	if err != nil {
		return err
	}
	sellers := budget.Sellers()
	if o.seller != "" {
		sellers = []string{o.seller}
	}
	table, err := a.priceTable(sellers, c.Prices)
	if err != nil {
		return err
	}
	rows := table.Rows()
	if !o.all {
		rows = validNow(rows, nowOr(clock(a)))
	}
	aliases := table.Aliases()
	rows = slices.DeleteFunc(rows, func(p budget.Price) bool { return !o.wants(p, aliases) })
	if o.asJSON {
		return a.modelsJSON(table, rows, aliases)
	}
	return a.showModels(rows)
}

// wants says whether a row is asked for: its id or an alias of it holds the text.
func (o modelsOptions) wants(p budget.Price, aliases map[string]map[string]string) bool {
	if strings.Contains(p.Model, o.like) {
		return o.seller == "" || p.Seller == o.seller
	}
	for alias, id := range aliases[p.Seller] {
		if id == p.Model && strings.Contains(alias, o.like) {
			return true
		}
	}
	return false
}

// pricedModel is a row with what the model can do.
type pricedModel struct {
	budget.Price
	Traits budget.Traits `json:"traits"`
}

func (a *app) modelsJSON(table budget.Table, rows []budget.Price, aliases map[string]map[string]string) error {
	out := make([]pricedModel, len(rows))
	for i, p := range rows {
		out[i] = pricedModel{p, table.TraitsOf(p)}
	}
	return writeJSON(a.out, map[string]any{"version": 2, "models": out, "aliases": aliases})
}

func (a *app) showModels(rows []budget.Price) error {
	w := tabwriter.NewWriter(a.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "SELLER\tMODEL\tINPUT\tOUTPUT\tWRITE 5M\tWRITE 1H\tREAD\tWINDOW\tMAX OUT\tSINCE\tCHECKED\tSOURCE")
	var sources []string
	for _, p := range rows {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", sellerName(p), p.Model, rate(p.Input), rate(p.Output), rate(p.CacheWrite5m), rate(p.CacheWrite1h), rate(p.CacheRead),
			tokens(p.Window), tokens(p.MaxOutput), day(p.ValidFrom), dash(p.CheckedOn), sourceMark(p, &sources))
		if b := p.Long; b != nil {
			fmt.Fprintf(w, "\t  above %d\t%s\t%s\t%s\t%s\t%s\t\t\t\t\t\n", b.Above, rate(b.Input), rate(b.Output), rate(b.CacheWrite5m), rate(b.CacheWrite1h), rate(b.CacheRead))
		}
	}
	if err := w.Flush(); err != nil {
		return fmt.Errorf("write models: %w", err)
	}
	for i, s := range sources {
		fmt.Fprintf(a.out, "[%d] %s\n", i+1, tidy(s, a.secrets()))
	}
	return nil
}

func sellerName(p budget.Price) string {
	if p.Seller == "" {
		return "(yours)"
	}
	return p.Seller
}

// sourceMark is the number of a row's source in the notes below the table.
func sourceMark(p budget.Price, sources *[]string) string {
	if p.Source == "" {
		return "your configuration"
	}
	i := slices.Index(*sources, p.Source)
	if i < 0 {
		i = len(*sources)
		*sources = append(*sources, p.Source)
	}
	return fmt.Sprintf("[%d]", i+1)
}

// validNow keeps the row of each model that prices a call at t.
func validNow(rows []budget.Price, t time.Time) []budget.Price {
	var out []budget.Price
	for _, p := range rows {
		if p.ValidFrom.After(t) {
			continue
		}
		if n := len(out); n > 0 && out[n-1].Model == p.Model && out[n-1].Seller == p.Seller {
			out = out[:n-1] // rows come by model and date
		}
		out = append(out, p)
	}
	return out
}

// rate writes US dollars per million tokens.
func rate(m budget.Micro) string {
	return fmt.Sprintf("%.4g", float64(m)/float64(budget.Dollar))
}

func tokens(n int64) string {
	if n == 0 {
		return "-"
	}
	return fmt.Sprint(n)
}

func dash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

func day(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.Format(time.DateOnly)
}

// nowOr is the time of now, or the real one when now is nil.
func nowOr(now func() time.Time) time.Time {
	if now == nil {
		return time.Now().UTC()
	}
	return now()
}
