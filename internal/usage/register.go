package usage

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"time"

	"github.com/seed-c331f47d/builder/internal/faultpoint"
)

// Version is the version of Build; fields are only ever added.
const Version = 1

// Tokens counts tokens by class.
type Tokens struct {
	Input        int64 `json:"input"`
	CacheWrite5m int64 `json:"cache_write_5m"`
	CacheWrite1h int64 `json:"cache_write_1h"`
	CacheRead    int64 `json:"cache_read"`
	Output       int64 `json:"output"`
}

// Range is an estimate of cost in micro-dollars, or of calls.
type Range struct {
	Low    int64 `json:"low"`
	Likely int64 `json:"likely"`
	High   int64 `json:"high"`
}

// Estimate is what was expected before the first call.
type Estimate struct {
	Cost    Range  `json:"cost_microusd"`
	Calls   Range  `json:"calls"`
	Basis   string `json:"basis"`
	Samples int    `json:"samples"`
}

// Build is one build that this machine knows.
type Build struct {
	Version      int       `json:"version"`
	ID           string    `json:"id"`
	Folder       string    `json:"folder"`
	Project      string    `json:"project,omitempty"`
	Type         string    `json:"type,omitempty"`
	State        string    `json:"state"`
	Given        bool      `json:"plan_given,omitempty"` // it has not planned: what it took is the tasks alone
	Forked       bool      `json:"forked,omitempty"`     // tasks of it were done and paid by another build
	Provider     string    `json:"provider"`
	Model        string    `json:"model"`
	Billing      string    `json:"billing,omitempty"` // "subscription": Cost is the list price
	SpecBytes    int64     `json:"spec_bytes"`
	Requirements int       `json:"requirements"`
	Tasks        int       `json:"tasks"`
	Calls        int64     `json:"calls"`
	Tokens       Tokens    `json:"tokens"`
	Cost         int64     `json:"cost_microusd"`
	Unknown      int64     `json:"unknown_microusd"`
	Estimate     *Estimate `json:"estimate,omitempty"`
	Started      time.Time `json:"started_at"`
	Updated      time.Time `json:"updated_at"`
}

// Register keeps builds in a folder, one JSON file each.
type Register struct{ Dir string }

// Put keeps b in place of what was known of that build. ID must be a plain file name.
func (r Register) Put(b Build) error {
	if b.ID == "" || b.ID != filepath.Base(b.ID) || strings.HasPrefix(b.ID, ".") {
		return fmt.Errorf("register build: %q is no id", b.ID)
	}
	b.Version = Version
	if err := os.MkdirAll(r.Dir, 0o700); err != nil {
		return fmt.Errorf("register build: %w", err)
	}
	raw, err := json.MarshalIndent(b, "", "  ")
	if err != nil {
		return fmt.Errorf("register build: %w", err)
	}
	// One name, so that what a crash left is written over: who holds the build is alone here.
	tmp, err := os.OpenFile(filepath.Join(r.Dir, b.ID+".tmp"), os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("register build: %w", err)
	}
	_, err = tmp.Write(append(raw, '\n'))
	if err = errors.Join(err, tmp.Close()); err == nil {
		err = faultpoint.At("list.rename")
	}
	if err == nil {
		err = os.Rename(tmp.Name(), filepath.Join(r.Dir, b.ID+".json"))
	}
	if err != nil {
		return errors.Join(fmt.Errorf("register build: %w", err), os.Remove(tmp.Name()))
	}
	return nil
}

// Get returns what is known of a build; false when nothing is.
func (r Register) Get(id string) (Build, bool) {
	all, err := r.List()
	if err != nil {
		return Build{}, false
	}
	for _, b := range all {
		if b.ID == id {
			return b, true
		}
	}
	return Build{}, false
}

// List returns all builds, the newest first. A file that is no build is left out: it may come from
// a newer program.
func (r Register) List() ([]Build, error) {
	entries, err := os.ReadDir(r.Dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("list builds: %w", err)
	}
	var all []Build
	for _, e := range entries {
		if !strings.HasSuffix(e.Name(), ".json") {
			continue
		}
		raw, err := os.ReadFile(filepath.Join(r.Dir, e.Name()))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("list builds: %w", err)
		}
		var b Build
		if json.Unmarshal(raw, &b) == nil && b.ID != "" && b.Version >= 1 {
			all = append(all, b)
		}
	}
	sort.Slice(all, func(i, j int) bool {
		if !all[i].Started.Equal(all[j].Started) {
			return all[i].Started.After(all[j].Started)
		}
		return all[i].ID < all[j].ID
	})
	return all, nil
}
