package phases

import (
	"fmt"
	"strings"
	"testing"

	"github.com/seed-c331f47d/builder/internal/checkpoint"
)

func treeOf(t *testing.T, files map[string]string, order ...string) (Manifest, checkpoint.Blobs) {
	t.Helper()
	blobs := &checkpoint.MemoryBlobs{}
	var m Manifest
	for _, p := range order {
		h, err := blobs.Put(t.Context(), []byte(files[p]))
		if err != nil {
			t.Fatal(err)
		}
		m = append(m, Entry{Path: p, Mode: ModeFile, Blob: h, Size: int64(len(files[p]))})
	}
	return m, blobs
}

// What a later task needs of the files before it stands in its first message: a turn less.
func TestRepoMap(t *testing.T) {
	t.Parallel()
	m, blobs := treeOf(t, map[string]string{
		"README.md":      "# x\nfunc Not() {\n",
		"a/store.go":     "package a\n\n// Store keeps.\ntype Store struct {\n\tdb int\n}\n\nfunc (s *Store) Get(id int64) (Item, error) {\n\treturn Item{}, nil\n}\n\nfunc hidden() {}\nfunc Open(path string) (*Store, error) {\n",
		"a/tool_test.go": "package a\nfunc TestX(t *testing.T) {\n",
		"b/app.py":       "import os\nclass Shop:\n    def open(self, day: str) -> bool:\n        def inner():\n            pass\n",
		"c/api.ts":       "export async function list(q: Query): Promise<Item[]> {\nconst hidden = 1\nfunction helper(a) {\n",
		"d.sql":          "CREATE TABLE items (\n  id integer\n);\n",
	}, "README.md", "a/store.go", "a/tool_test.go", "b/app.py", "c/api.ts", "d.sql")
	got, err := repoMap(t.Context(), blobs, m)
	want := `README.md 17
a/store.go 185
  type Store struct
  func (s *Store) Get(id int64) (Item, error)
  func Open(path string) (*Store, error)
a/tool_test.go 37
b/app.py 98
  class Shop:
      def open(self, day: str) -> bool:
c/api.ts 94
  export async function list(q: Query): Promise<Item[]>
  function helper(a)
d.sql 37
  CREATE TABLE items (
`
	if err != nil || got != want {
		t.Errorf("%v, got\n%s", err, got)
	}
}

// However large a tree is and whatever its files say, its map is small and in the same order.
func TestRepoMapIsBounded(t *testing.T) {
	t.Parallel()
	files, order := map[string]string{}, []string{}
	for i := range 3000 {
		p := fmt.Sprintf("d%03d/f%04d.go", i/10, i)
		files[p], order = strings.Repeat(fmt.Sprintf("func F%d(%s) {\n", i, strings.Repeat("x", 300)), 50), append(order, p)
	}
	m, blobs := treeOf(t, files, order...)
	for n, most := range map[int]int{1: 10 << 10, 50: mapBytes, 300: mapBytes, 3000: mapBytes} {
		got, err := repoMap(t.Context(), blobs, m[:n])
		if err != nil || len(got) > most {
			t.Errorf("%d files: %v, %d bytes", n, err, len(got))
		}
	}
	got, err := repoMap(t.Context(), blobs, m)
	if err != nil || !strings.HasPrefix(got, "3000 files, by folder; list_files shows them\nd000/ 10 files, ") {
		t.Errorf("%v, got %.200s", err, got)
	}
	m[0].Blob = "none"
	if _, err := repoMap(t.Context(), blobs, m[:1]); err == nil {
		t.Error("a lost blob is no error")
	}
}
