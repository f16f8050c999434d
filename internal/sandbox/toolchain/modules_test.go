package toolchain

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"testing"
)

// The go.mod files that Builder brings are the published ones: their sums are in Builder's own go.sum,
// which was checked against the world's.
func TestModFilesAreGenuine(t *testing.T) {
	t.Parallel()
	sums, err := os.ReadFile("../../../go.sum")
	if err != nil {
		t.Fatal(err)
	}
	count := 0
	err = fs.WalkDir(ungraphed, "modules", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		count++
		content, err := ungraphed.ReadFile(name)
		if err != nil {
			return err
		}
		module, version, _ := strings.Cut(strings.TrimPrefix(name, "modules/"), "/@v/")
		file := sha256.Sum256(content)
		sum := sha256.Sum256(fmt.Appendf(nil, "%x  go.mod\n", file))
		line := module + " " + strings.TrimSuffix(version, ".mod") + "/go.mod h1:" + base64.StdEncoding.EncodeToString(sum[:]) + "\n"
		if !strings.Contains(string(sums), line) {
			t.Errorf("go.sum does not hold %s", line)
		}
		return nil
	})
	if err != nil || count == 0 {
		t.Fatalf("%d files: %v", count, err)
	}
}

// They are laid out whole, and again where one was spoilt.
func TestLayModules(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	const name = "/gopkg.in/check.v1/@v/v0.0.0-20161208181325-20d25e280405.mod"
	for range 2 {
		root, err := layModules(dir)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := os.ReadFile(root + name); err != nil || string(got) != "module gopkg.in/check.v1\n" {
			t.Fatalf("%q %v", got, err)
		}
		if err := os.WriteFile(root+name, []byte("module"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}
