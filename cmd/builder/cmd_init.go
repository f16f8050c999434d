package main

import (
	_ "embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"
)

//go:embed init.yaml
var initConfig []byte

//go:embed init.md
var initSpec []byte

func newInit(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "init [DIR]", Short: "Write a commented builder.yaml and an example spec", Args: cobra.MaximumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error { return a.runInit(dirArg(args)) },
	}
}

// runInit never replaces a file.
func (a *app) runInit(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return usage("E_WORKSPACE", "choose a folder you may write", "%s", err)
	}
	files := []struct {
		name    string
		content []byte
	}{{"builder.yaml", initConfig}, {"spec.md", initSpec}}
	for _, f := range files {
		if _, err := os.Lstat(filepath.Join(dir, f.name)); err == nil {
			return usage("E_EXISTS", "choose another folder, or remove the file", "%s exists already", filepath.Join(dir, f.name))
		}
	}
	for _, f := range files {
		path := filepath.Join(dir, f.name)
		if err := writeNew(path, f.content); err != nil {
			return usage("E_WORKSPACE", "choose a folder you may write", "%s", err)
		}
		fmt.Fprintln(a.out, path)
	}
	a.say("next: builder estimate %s, then builder build %s -o app", filepath.Join(dir, "spec.md"), filepath.Join(dir, "spec.md"))
	return nil
}

func writeNew(path string, content []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("%s exists already", path)
	}
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	return errors.Join(err, f.Close())
}
