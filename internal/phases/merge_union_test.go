package phases

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestUnion(t *testing.T) {
	t.Parallel()
	const block = "module m\n\ngo 1.26\n"
	for name, c := range map[string]struct{ base, ours, theirs, want string }{
		"sorted":           {"a\nz\n", "a\nc\nz\n", "a\nb\nd\nz\n", "a\nb\nc\nd\nz\n"},
		"identical once":   {"a\nz\n", "a\nb\nc\nz\n", "a\nc\nd\nz\n", "a\nb\nc\nd\nz\n"},
		"numbers by size":  {"", "m v1.10.0 h1:x\n", "m v1.9.0 h1:y\n", "m v1.9.0 h1:y\nm v1.10.0 h1:x\n"},
		"a require block":  {block, block + "\nrequire (\n\tb v1\n)\n", block + "\nrequire (\n\ta v1\n\tc v1\n)\n", block + "\nrequire (\n\ta v1\n\tb v1\n\tc v1\n)\n"},
		"in one block":     {"require (\n\tm v1\n)\n", "require (\n\tm v1\n\tz v1\n)\n", "require (\n\tm v1\n\tn v1\n)\n", "require (\n\tm v1\n\tn v1\n\tz v1\n)\n"},
		"unsorted":         {"bin/\n", "bin/\nx\ndata\n", "bin/\ndata\ny\nb\n", "bin/\nx\ndata\ny\nb\n"},
		"no last newline":  {"a", "a\nc", "a\nb", "a\nb\nc"},
		"newline by one":   {"a", "a\nc\n", "a\nb", "a\nb\nc\n"},
		"sections":         {"# T\n", "# T\n\n## B\n\nsame\n", "# T\n\n## A\n\nsame\n", "# T\n\n## B\n\nsame\n\n## A\n\nsame\n"},
		"rules":            {"", "lint:\n\tgo vet\n", "check:\n\tgo vet\n", "lint:\n\tgo vet\ncheck:\n\tgo vet\n"},
		"functions":        {"", "func B() {\n}\n", "func A() {\n}\n", "func B() {\n}\nfunc A() {\n}\n"},
		"comments":         {"", "# b\nx\n", "# a\ny\n", "# b\nx\n# a\ny\n"},
		"section there":    {"# T\n", "# T\n\n## A\n\nx\n\n## B\n\ny\n", "# T\n\n## B\n\ny\n", "# T\n\n## A\n\nx\n\n## B\n\ny\n"},
		"section to come":  {"# T\n", "# T\n\n## B\n\ny\n", "# T\n\n## A\n\nx\n\n## B\n\ny\n", "# T\n\n## A\n\nx\n\n## B\n\ny\n"},
		"both add a file":  {"", "a\n", "b\n", "a\nb\n"},
		"elsewhere, clean": {"a\nm\n", "a\nb\nm\n", "A\nm\nn\n", "<<<<<<< the branch\na\nb\n||||||| base\na\n=======\nA\n>>>>>>> task b\nm\nn\n"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, _, why := mergeText([]byte(c.base), []byte(c.ours), []byte(c.theirs), unionMerge)
			if string(got) != c.want || why != "" {
				t.Errorf("got %q, %q; want %q", got, why, c.want)
			}
		})
	}
}

// Tasks that each add to a sorted list may be merged in any order.
func TestUnionInAnyOrder(t *testing.T) {
	t.Parallel()
	entry := rapid.Custom(func(t *rapid.T) string {
		return rapid.StringMatching(`\tgithub\.com/[a-c]{1,2} v(0|1)\.[0-9]{1,2}\.[0-9]`).Draw(t, "entry") + rapid.SampledFrom([]string{" h1:x\n", "/go.mod h1:x\n"}).Draw(t, "kind")
	})
	rapid.Check(t, func(t *rapid.T) {
		order := rapid.SampledFrom([]func(string, string) int{compareNumbered, strings.Compare}).Draw(t, "order")
		list := func(name string, least, most int) []string {
			l := rapid.SliceOfNDistinct(entry, least, most, rapid.ID).Draw(t, name)
			slices.SortFunc(l, order)
			return l
		}
		head, foot := "\n", ""
		base := []string{"module m\n"}
		switch {
		case rapid.Bool().Draw(t, "one block"):
			base = append(append(base, "require (\n"), append(list("base", 0, 6), ")\n")...)
			head = ""
		case rapid.Bool().Draw(t, "own blocks"):
			head, foot = "\nrequire (\n", ")\n"
		}
		var tasks []string
		for range rapid.IntRange(2, 6).Draw(t, "tasks") {
			added := list("added", 1, 5)
			if head != "" {
				tasks = append(tasks, strings.Join(base, "")+head+strings.Join(added, "")+foot)
				continue
			}
			inside := slices.Concat(base[2:len(base)-1], linesWithout(added, base))
			slices.SortFunc(inside, order)
			tasks = append(tasks, strings.Join(slices.Concat(base[:2], inside, base[len(base)-1:]), ""))
		}
		mergeAll := func(order []string) string {
			branch := strings.Join(base, "")
			for _, task := range order {
				got, conflicts, why := mergeText([]byte(strings.Join(base, "")), []byte(branch), []byte(task), unionMerge)
				if conflicts > 0 || why != "" {
					t.Fatalf("%d conflicts, %q: %s", conflicts, why, got)
				}
				branch = string(got)
			}
			return branch
		}
		want := mergeAll(tasks)
		for range 3 {
			if got := mergeAll(rapid.Permutation(tasks).Draw(t, "order")); got != want {
				t.Fatalf("got %s\nwant %s", got, want)
			}
		}
		for line := range strings.Lines(strings.Join(tasks, "")) {
			if !strings.Contains(want, line) {
				t.Fatalf("%q is lost in %s", line, want)
			}
		}
	})
}

func TestCompareNumbered(t *testing.T) {
	t.Parallel()
	want := []string{"", "1", "01", "2", "10", "a", "a1", "a1b", "a2", "a10", "a10b", "b"}
	slices.SortFunc(want[:3], compareNumbered)
	for i, a := range want {
		for j, b := range want {
			if got := compareNumbered(a, b); (got < 0) != (i < j) || (got == 0) != (i == j) {
				t.Errorf("%q and %q: got %d", a, b, got)
			}
		}
	}
}
