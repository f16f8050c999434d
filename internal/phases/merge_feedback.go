package phases

import (
	"context"
	_ "embed" // the words
	"fmt"
	"slices"
	"strings"

	"github.com/seed-c331f47d/builder/internal/checkpoint"
)

var (
	//go:embed merge.md
	mergeWords string
	//go:embed merge_markers.md
	markerWords string
)

// maxLeftShown bounds the texts shown that a merge left out of the tree, in bytes, all together.
const maxLeftShown = 16 << 10

// conflictFeedback tells the agent of a task what became of its tree when it was merged into the
// branch, and what is asked of it. Texts that the merged tree does not have are shown in it, up to
// maxLeftShown bytes.
func conflictFeedback(ctx context.Context, blobs checkpoint.Blobs, branch string, conflicts []Conflict) (string, error) {
	var list, texts strings.Builder
	markers := false
	for _, c := range conflicts {
		fmt.Fprintf(&list, "- %s: %s\n", c.Path, c.What)
		markers = markers || c.Markers > 0
		if c.Left == "" {
			continue
		}
		raw, err := blobs.Get(ctx, c.Left)
		if err != nil {
			return "", fmt.Errorf("show the other version of %s: %w", c.Path, err)
		}
		if isText(raw) && texts.Len()+len(raw) <= maxLeftShown {
			fmt.Fprintf(&texts, "\nThe version of %s that is not in the tree:\n%s", c.Path, withEnd(raw))
		}
	}
	words := mergeWords
	if markers {
		words += markerWords
	}
	return strings.NewReplacer("{branch}", branch, "{list}", strings.TrimSuffix(list.String(), "\n")).Replace(words) + texts.String(), nil
}

// markersLeft names the files, of those that a merge left markers in, that still have some: tree is
// what came of it since. The middle marker alone does not count, as a heading may be underlined so.
func markersLeft(ctx context.Context, blobs checkpoint.Blobs, tree Manifest, in mergeInput, conflicts []Conflict) ([]string, error) {
	marks := []string{markOurs + " " + in.OursName, markBase, markTheirs + " " + in.TheirsName}
	var left []string
	for _, c := range conflicts {
		e, there := tree.Find(c.Path)
		if c.Markers == 0 || !there {
			continue
		}
		raw, err := blobs.Get(ctx, e.Blob)
		if err != nil {
			return nil, fmt.Errorf("look for markers in %s: %w", c.Path, err)
		}
		for line := range strings.Lines(string(raw)) {
			if slices.Contains(marks, strings.TrimRight(line, "\r\n")) {
				left = append(left, c.Path)
				break
			}
		}
	}
	return left, nil
}
