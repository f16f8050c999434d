package main

import (
	_ "embed"
	"fmt"

	"github.com/spf13/cobra"
	"gopkg.in/yaml.v3"

	"github.com/seed-c331f47d/builder/cmd/builder/internal/config"
)

//go:embed config.schema.json
var configSchema []byte

func newConfig(a *app) *cobra.Command {
	c := &cobra.Command{Use: "config", Short: "Show, check and describe the configuration", Args: cobra.NoArgs, RunE: func(c *cobra.Command, _ []string) error { return c.Help() }}
	var asJSON bool
	show := &cobra.Command{
		Use: "show", Short: "Print the configuration that is in force, and where it comes from", Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error { return a.showConfig(asJSON) },
	}
	show.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	c.AddCommand(show,
		&cobra.Command{Use: "validate [FILE]", Short: "Check a configuration file as the user's own", Args: cobra.MaximumNArgs(1), RunE: func(_ *cobra.Command, args []string) error { return a.validateConfig(args) }},
		&cobra.Command{Use: "schema", Short: "Print the JSON schema of the configuration", Args: cobra.NoArgs, RunE: func(*cobra.Command, []string) error {
			_, err := a.out.Write(configSchema)
			return err
		}})
	return c
}

func (a *app) showConfig(asJSON bool) error {
	s, err := a.settings(limitFlags{}, ".")
	if err != nil {
		return err
	}
	if asJSON {
		return writeJSON(a.out, s.Config)
	}
	fmt.Fprintf(a.out, "# user: %s\n# project: builder.yaml\n# environment: BUILDER_*\n", config.UserPath(a.env))
	raw, err := yaml.Marshal(s.Config)
	if err != nil {
		return fmt.Errorf("encode configuration: %w", err)
	}
	_, err = a.out.Write(raw)
	return err
}

func (a *app) validateConfig(args []string) error {
	src := config.Sources{User: config.UserPath(a.env), Project: "builder.yaml", Environ: a.env}
	if len(args) == 1 {
		src = config.Sources{User: args[0], Must: true}
	}
	if _, err := config.Load(src); err != nil {
		return err
	}
	_, err := fmt.Fprintln(a.out, "valid")
	return err
}
