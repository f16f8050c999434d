package verify

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/seed-c331f47d/builder/internal/planner"
)

// mostBytes is how much of a file is looked at.
const mostBytes = 16 << 20

// files looks at the files of the tree, never through a link out of it.
func (v *Verifier) files(_ context.Context, r *room) (Report, error) {
	if len(r.gate.Files) == 0 {
		return Report{Vacuous: true, Summary: "vacuous: no file to look at", Feedback: "This gate names no file."}, nil
	}
	root, err := os.OpenRoot(r.tree)
	if err != nil {
		return Report{}, fmt.Errorf("open tree: %w", err)
	}
	var faults []string
	for _, check := range r.gate.Files {
		found, err := checkFile(root, check)
		if err != nil {
			return Report{}, errors.Join(err, root.Close())
		}
		for _, fault := range found {
			faults = append(faults, check.Path+": "+fault)
		}
	}
	if err := root.Close(); err != nil {
		return Report{}, fmt.Errorf("close tree: %w", err)
	}
	report := Report{Pass: len(faults) == 0, Summary: fmt.Sprintf("%d files as expected", len(r.gate.Files))}
	if !report.Pass {
		report.Summary = strings.Join(faults, "; ")
		report.Feedback = fmt.Sprintf("Gate %s failed:\n- %s", r.gate.ID, strings.Join(faults, "\n- "))
	}
	fmt.Fprintln(&r.log, report.Summary)
	return report, nil
}

// checkFile lists what is wrong with one file. An error is a check that cannot be made.
func checkFile(root *os.Root, check planner.FileCheck) ([]string, error) {
	if !filepath.IsLocal(check.Path) {
		return nil, fmt.Errorf("check %q: path lies outside the tree", check.Path)
	}
	pattern, err := regexp.Compile(check.Matches)
	if err != nil {
		return nil, fmt.Errorf("check %s: %w", check.Path, err)
	}
	if _, err := root.Lstat(check.Path); check.Absent {
		if errors.Is(err, fs.ErrNotExist) {
			return nil, nil
		}
		return []string{"is there, and must not be"}, nil
	}
	content, fault := readFile(root, check.Path)
	if fault != "" {
		return []string{fault}, nil
	}
	var faults []string
	for _, text := range check.Contains {
		if !strings.Contains(content, text) {
			faults = append(faults, fmt.Sprintf("does not contain %q", text))
		}
	}
	if !pattern.MatchString(content) {
		faults = append(faults, fmt.Sprintf("does not match %q", check.Matches))
	}
	if sum := sha256.Sum256([]byte(content)); check.SHA256 != "" && !strings.EqualFold(hex.EncodeToString(sum[:]), check.SHA256) {
		faults = append(faults, "has SHA-256 "+hex.EncodeToString(sum[:])+", expected "+check.SHA256)
	}
	return faults, nil
}

// readFile reads a regular file of the tree; a fault is the tree's.
func readFile(root *os.Root, path string) (content, fault string) {
	info, err := root.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "", "is missing"
	case err != nil:
		return "", "cannot be read inside the tree"
	case !info.Mode().IsRegular():
		return "", "is not a regular file"
	}
	file, err := root.Open(path)
	if err != nil {
		return "", "cannot be opened"
	}
	data, err := io.ReadAll(io.LimitReader(file, mostBytes+1))
	if cerr := file.Close(); err != nil || cerr != nil {
		return "", "cannot be read"
	}
	if len(data) > mostBytes {
		return "", fmt.Sprintf("is larger than %d MiB", mostBytes>>20)
	}
	return string(data), ""
}
