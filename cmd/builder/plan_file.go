package main

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/seed-c331f47d/builder/internal/planner"
	"github.com/seed-c331f47d/builder/internal/planner/planfile"
)

// planName is the name of a plan's file in the folder of its build.
const planName = "plan.yaml"

// planFile is where a build's plan is kept for people, and for the day its blob is lost.
func (f folder) planFile(id string) string { return filepath.Join(f.build(id), planName) }

// keepPlanFile writes a build's plan as people read it.
func keepPlanFile(path string, p *planner.Plan) error {
	raw, err := planfile.Encode(p)
	if err != nil {
		return err
	}
	if err := writeWhole(path, raw); err != nil {
		return err
	}
	return syncDir(filepath.Dir(path))
}

// lackPlanFile writes a plan where it is missing. One that is there may be a person's edit of it.
func lackPlanFile(path string, p *planner.Plan) error {
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return keepPlanFile(path, p)
}
