package phases

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/seed-c331f47d/builder/internal/checkpoint"
)

const someHash = checkpoint.Hash("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")

func file(path string) Entry { return Entry{Path: path, Mode: ModeFile, Blob: someHash} }

func TestManifestValidate(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		m    Manifest
		want string // part of the error; "" means valid
	}{
		"empty":            {nil, ""},
		"sorted":           {Manifest{file("a"), file("a-b"), file("b/c")}, ""},
		"unsorted":         {Manifest{file("b"), file("a")}, "order"},
		"twice":            {Manifest{file("a"), file("a")}, "order"},
		"below a file":     {Manifest{file("a"), file("a-b"), file("a/b")}, "below"},
		"folder mode":      {Manifest{{Path: "a", Mode: 0o040000, Blob: someHash}}, "mode"},
		"submodule mode":   {Manifest{{Path: "a", Mode: 0o160000, Blob: someHash}}, "mode"},
		"short hash":       {Manifest{{Path: "a", Mode: ModeFile, Blob: "abc"}}, "hash"},
		"upper-case hash":  {Manifest{{Path: "a", Mode: ModeFile, Blob: checkpoint.Hash(strings.ToUpper(string(someHash)))}}, "hash"},
		"negative size":    {Manifest{{Path: "a", Mode: ModeFile, Blob: someHash, Size: -1}}, "size"},
		"path that climbs": {Manifest{file("../a")}, "clean"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := tc.m.Validate()
			if tc.want == "" && err != nil || tc.want != "" && (err == nil || !strings.Contains(err.Error(), tc.want)) {
				t.Errorf("got %v, want %q", err, tc.want)
			}
		})
	}
}

func TestCheckPath(t *testing.T) {
	t.Parallel()
	for _, good := range []string{"a", "a/b.go", ".gitignore", ".github/x", "git", "ä/ö", "a b", "a.git", "...", "-x"} {
		if err := CheckPath(good); err != nil {
			t.Errorf("%q is refused: %v", good, err)
		}
	}
	for _, bad := range []string{
		"", "/a", "a/", "a//b", ".", "..", "a/../b", "./a", "a\x00b", "a\nb", "a\x1b[31m", "a\\b", "\xff",
		".git", "a/.git/config", ".GIT", ".Git/hooks/x", ".git.", ".git ", ".git::$INDEX_ALLOCATION", "GIT~1/x", ".g\u200cit", ".gitmodules", "x/.GITMODULES",
		strings.Repeat("a", 256), strings.Repeat("a/", 2049),
	} {
		if err := CheckPath(bad); err == nil {
			t.Errorf("%q is let through", bad)
		}
	}
}

// drawManifest draws valid manifests with awkward names.
func drawManifest(t *rapid.T) Manifest {
	paths := rapid.SliceOfDistinct(rapid.StringMatching(`[a-c<&"é-]{1,3}(/[a-c.]{1,2}x){0,2}`), rapid.ID[string]).Draw(t, "paths")
	var m Manifest
	for _, p := range paths {
		m = append(m, Entry{Path: p, Mode: rapid.SampledFrom([]uint32{ModeFile, ModeExecutable, ModeSymlink}).Draw(t, "mode"), Blob: someHash, Size: int64(rapid.IntRange(0, 1<<20).Draw(t, "size"))})
	}
	sortManifest(m)
	if m.Validate() != nil {
		t.Skip("a path below another")
	}
	return m
}

func sortManifest(m Manifest) {
	for i := range m {
		for j := i; j > 0 && m[j].Path < m[j-1].Path; j-- {
			m[j], m[j-1] = m[j-1], m[j]
		}
	}
}

func TestManifestComesBack(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		m := drawManifest(t)
		got, err := DecodeManifest(m.Encode())
		if err != nil || got.ID() != m.ID() || len(got) != len(m) {
			t.Fatalf("got %v, %v; want %v", got, err, m)
		}
	})
}

// Applying the changes to the one tree gives the other.
func TestDiffLeadsFromOneTreeToTheOther(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		from, to := drawManifest(t), drawManifest(t)
		have := map[string]Entry{}
		for _, e := range from {
			have[e.Path] = e
		}
		for _, c := range Diff(from, to) {
			if have[c.Path] != c.From || c.From == c.To {
				t.Fatalf("change %+v does not start at %+v", c, have[c.Path])
			}
			have[c.Path] = c.To
			if c.To == (Entry{}) {
				delete(have, c.Path)
			}
		}
		for _, e := range to {
			if have[e.Path] != e {
				t.Fatalf("%s: got %+v, want %+v", e.Path, have[e.Path], e)
			}
		}
		if len(have) != len(to) {
			t.Fatalf("got %d files, want %d", len(have), len(to))
		}
	})
}

// line is an entry as encoding/json is to write it.
type line struct {
	Path string          `json:"path"`
	Mode string          `json:"mode"` // octal, as git prints it
	Blob checkpoint.Hash `json:"blob"`
	Size int64           `json:"size"`
}

func FuzzDecodeManifest(f *testing.F) {
	f.Add(Manifest{file("a"), file("b/c")}.Encode())
	f.Add(Manifest{file("a b<&>,"), file("tab\u2028le"), file("ü/ö\u007f")}.Encode())
	f.Add([]byte(`{"path":"../x","mode":"100644","blob":"","size":0}`))
	f.Add([]byte("{}\n[]"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		m, err := DecodeManifest(raw)
		if err != nil {
			return
		}
		if err := m.Validate(); err != nil {
			t.Fatalf("decoded but not valid: %v", err)
		}
		if string(m.Encode()) != string(raw) {
			t.Fatal("two encodings of one manifest")
		}
		var b bytes.Buffer
		enc := json.NewEncoder(&b)
		enc.SetEscapeHTML(false)
		for _, e := range m {
			if err := enc.Encode(line{e.Path, fmt.Sprintf("%06o", e.Mode), e.Blob, e.Size}); err != nil {
				t.Fatal(err)
			}
		}
		if b.String() != string(raw) {
			t.Fatalf("encoding/json makes\n%s\nof\n%s", &b, raw)
		}
	})
}
