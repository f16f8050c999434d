package gen

import (
	"fmt"
	"path"
	"slices"

	"github.com/seed-c331f47d/builder/internal/agent/offline/blueprint"
	"github.com/seed-c331f47d/builder/internal/agent/offline/unit"
)

// core writes the packages that every type of project has.
type core struct {
	bp     *blueprint.Blueprint
	names  Names
	manner Manner
}

// coreView is what the templates of whole packages see.
type coreView struct {
	Names          Names
	Module         string
	Program        string
	Manner         Manner
	CLI            bool
	ConflictStatus bool
	Entities       []entityView
}

// Core writes go.mod, go.sum, .gitignore and the packages domain and store with their tests.
// A zero m means [DefaultManner]. It fails when bp has no entities, or when generated code is not Go.
func Core(bp *blueprint.Blueprint, m Manner) ([]unit.File, Names, error) {
	c := newCore(bp, m)
	if len(bp.Entities) == 0 {
		return nil, c.names, fmt.Errorf("generate core: the spec describes no records")
	}
	files, err := render(c.jobs(), c.manner)
	if err != nil {
		return nil, c.names, fmt.Errorf("generate core: %w", err)
	}
	return files, c.names, nil
}

func newCore(bp *blueprint.Blueprint, m Manner) core {
	if m.Words == nil {
		m = DefaultManner()
	}
	return core{bp: bp, names: NamesOf(bp), manner: m}
}

func (c core) view() coreView {
	v := coreView{
		Names: c.names, Module: c.names.Module, Program: c.names.Program, Manner: c.manner,
		CLI: c.bp.Type == "cli-tool", ConflictStatus: c.conflictStatus(),
	}
	for _, e := range c.names.Entities {
		v.Entities = append(v.Entities, c.entity(e))
	}
	return v
}

func (c core) jobs() []job {
	v := c.view()
	jobs := []job{
		{"go.mod", "go.mod", v}, {"go.sum", "go.sum", v}, {".gitignore", "gitignore", v},
		{"internal/domain/doc.go", "domain_doc.go", v},
		{"internal/domain/errors.go", "domain_errors.go", v},
		{"internal/domain/input.go", "domain_input.go", v},
		{"internal/domain/parse.go", "domain_parse.go", v},
		{"internal/domain/filter.go", "domain_filter.go", v},
	}
	if c.has(blueprint.Money) {
		jobs = append(jobs, job{"internal/domain/money.go", "domain_money.go", v}, job{"internal/domain/money_test.go", "domain_money_test.go", v})
	}
	if c.has(blueprint.Date) {
		jobs = append(jobs, job{"internal/domain/date.go", "domain_date.go", v})
	}
	if v.CLI {
		jobs = append(jobs, job{"internal/domain/show.go", "domain_show.go", v})
	}
	for _, e := range v.Entities {
		at := path.Join("internal/domain", e.Entity.Stem)
		jobs = append(jobs,
			job{at + ".go", "domain_entity.go", e},
			job{at + "_query.go", "domain_query.go", e},
			job{at + "_test.go", "domain_entity_test.go", e})
	}
	jobs = append(jobs,
		job{"internal/store/doc.go", "store_doc.go", v},
		job{"internal/store/store.go", "store_store.go", v},
		job{"internal/store/table.go", "store_table.go", v},
		job{"internal/store/query.go", "store_query.go", v},
		job{"internal/store/store_test.go", "store_store_test.go", v})
	for _, e := range v.Entities {
		at := path.Join("internal/store", e.Entity.Stem)
		jobs = append(jobs, job{at + ".go", "store_entity.go", e}, job{at + "_test.go", "store_entity_test.go", e})
	}
	return jobs
}

// has says whether any field is of the kind.
func (c core) has(k blueprint.Kind) bool {
	return slices.ContainsFunc(c.names.Entities, func(e Entity) bool {
		return slices.ContainsFunc(e.Fields, func(f Field) bool { return f.Kind == k })
	})
}
