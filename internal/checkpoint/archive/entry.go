package archive

import (
	"errors"
	"fmt"
	"strings"

	"github.com/seed-c331f47d/builder/internal/checkpoint"
)

// Version is the newest form that this program writes and reads.
const Version = 1

// Format is what a manifest calls itself.
const Format = "builder-checkpoint"

// The names of entries that there is one of.
const (
	JournalName  = "journal.ndjson" // records, one envelope a line; the first entry
	SpecName     = "spec.md"        // for people
	PlanName     = "plan.yaml"      // for people
	manifestName = "manifest.json"  // the last entry
)

// ErrName means that an entry's name is of no form that a checkpoint has.
var ErrName = errors.New("no name of a part of a checkpoint")

// Kind says what an entry is, by the form of its name.
type Kind string

// The kinds of entries.
const (
	Journal Kind = "journal"
	Text    Kind = "text"   // spec and plan
	Blob    Kind = "blob"   // ID is its hash
	Spool   Kind = "spool"  // ID is its name
	Object  Kind = "object" // of git; Type is commit, tree, blob or tag, ID its name
)

// Name is an entry's name, taken apart.
type Name struct {
	Kind Kind
	Type string
	ID   string
}

// BlobName is the name of a blob's entry.
func BlobName(h checkpoint.Hash) string { return "blobs/" + string(h) }

// SpoolName is the name of a spool's entry.
func SpoolName(name string) string { return "spools/" + name }

// ObjectName is the name of the entry of an object of git's.
func ObjectName(kind, id string) string { return "git/" + kind + "/" + id }

// ParseName takes a name apart; ErrName when it has none of the forms above.
func ParseName(s string) (Name, error) {
	switch s {
	case JournalName:
		return Name{Kind: Journal}, nil
	case SpecName, PlanName:
		return Name{Kind: Text, ID: s}, nil
	}
	top, rest, _ := strings.Cut(s, "/")
	switch {
	case top == "blobs" && checkpoint.Hash(rest).Check() == nil:
		return Name{Kind: Blob, ID: rest}, nil
	case top == "spools" && checkpoint.CheckSpoolName(rest) == nil:
		return Name{Kind: Spool, ID: rest}, nil
	case top == "git":
		kind, id, _ := strings.Cut(rest, "/")
		if (kind == "commit" || kind == "tree" || kind == "blob" || kind == "tag") && len(id) == 40 && strings.Trim(id, "0123456789abcdef") == "" {
			return Name{Kind: Object, Type: kind, ID: id}, nil
		}
	}
	return Name{}, fmt.Errorf("%.100q: %w", s, ErrName)
}

// Entry is one part of an archive.
type Entry struct {
	Name   string `json:"name"`
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"`
}

// Manifest stands at the end of an archive and tells what is in it.
type Manifest struct {
	Format  string            `json:"format"`
	Version int               `json:"version"`
	Builder string            `json:"builder"` // that wrote it
	Build   string            `json:"build"`
	Records uint64            `json:"records"`
	Refs    map[string]string `json:"refs"` // of the repository: full name, object
	Entries []Entry           `json:"entries"`
}
