package phases

import (
	"slices"
	"time"

	"github.com/seed-c331f47d/builder/internal/budget"
	"github.com/seed-c331f47d/builder/internal/planner"
)

// StatusVersion is the version of Status; fields are only ever added to it.
const StatusVersion = 1

// Status is a build at a glance: a projection of the state, written as status.json and printed by
// `builder status --json`. Money is in micro-dollars, times are UTC.
type Status struct {
	Version      int                 `json:"version"`
	Build        string              `json:"build"`
	State        RunState            `json:"state"`
	Reason       *Reason             `json:"reason,omitempty"`
	Project      string              `json:"project,omitempty"`
	Type         planner.ProjectType `json:"type,omitempty"`
	SpecPath     string              `json:"spec,omitempty"`
	SpecSHA      string              `json:"spec_sha256"`
	PlanSHA      string              `json:"plan_sha256,omitempty"`
	Engine       string              `json:"engine"`
	Provider     string              `json:"provider"`
	Model        string              `json:"model"`
	BaseURL      string              `json:"base_url,omitempty"` // the provider's address
	API          string              `json:"api,omitempty"`      // of provider openai
	Price        string              `json:"price,omitempty"`    // of the model, as the user gave it
	Billing      budget.Billing      `json:"billing"`            // what figures of money are: spending, list prices, or nothing
	Sandbox      string              `json:"sandbox"`
	Workers      int                 `json:"workers"` // tasks at the same time, at most
	Tasks        []TaskStatus        `json:"tasks"`
	Requirements []RequirementStatus `json:"requirements"`
	Budget       BudgetStatus        `json:"budget"`
	Drafted      []DraftCost         `json:"planned_before,omitempty"` // by builder plan, no part of Budget
	Forked       *ForkedFrom         `json:"forked_from,omitempty"`
	Tokens       budget.Usage        `json:"tokens"`
	Calls        int64               `json:"calls"`
	Planning     int64               `json:"planning_calls"` // of them, by the build's own planning; 0 where it was given a plan
	Repeats      int64               `json:"repeats"`
	Head         string              `json:"head,omitempty"`
	StartedAt    time.Time           `json:"started_at"`
	UpdatedAt    time.Time           `json:"updated_at"`
	Seq          uint64              `json:"seq"`
	Held         *Held               `json:"held,omitempty"`    // a person paused it, and its process waits
	Orders       []OrderStatus       `json:"orders,omitempty"`  // the newest ones, oldest first
	Control      string              `json:"control,omitempty"` // the socket that takes orders, while a process works on it
}

// TaskStatus is one task at a glance.
type TaskStatus struct {
	ID       planner.TaskID  `json:"id"`
	Phase    planner.PhaseID `json:"phase"`
	Title    string          `json:"title,omitempty"`
	State    TaskPhase       `json:"state"`
	Attempts int             `json:"attempts"`
	Model    string          `json:"model,omitempty"`     // of the newest attempt
	Why      string          `json:"model_why,omitempty"` // it is that model and not the build's
	Commit   string          `json:"commit,omitempty"`
	From     string          `json:"from,omitempty"` // the build that did it, where this one was forked from it; that one paid
	Reason   string          `json:"reason,omitempty"`
	Edits    []string        `json:"user_edits,omitempty"`
	Again    []string        `json:"again,omitempty"` // why it is done again
	Earlier  string          `json:"earlier_commit,omitempty"`
	Cost     budget.Micro    `json:"cost_microusd"`
	Calls    int64           `json:"calls"`
	Question *Pending        `json:"question,omitempty"` // that it waits for
}

// RequirementStatus says by which tasks and gates a requirement is covered, and whether it is
// proven: by a gate whose expectations lie outside the agent's reach, that was red on the base tree
// of a done task that covers it and is green on what was committed (law L7). In a task that is done
// again the base holds its work: there a gate that has not changed counts from the first time, for
// requirements that have not changed; any other must be red on the new base.
type RequirementStatus struct {
	ID        planner.RequirementID `json:"id"`
	Text      string                `json:"text,omitempty"`
	Source    string                `json:"source,omitempty"`
	CoveredBy []planner.TaskID      `json:"covered_by"`
	Gates     []planner.GateID      `json:"gates"`                  // that prove it
	Before    []planner.GateID      `json:"green_before,omitempty"` // gates that were green before the work: what they ask for was there already, and they prove nothing
	Commits   []string              `json:"commits,omitempty"`
	Proven    bool                  `json:"proven"`
}

// BudgetStatus is the cap and what is used of it.
type BudgetStatus struct {
	Cap       int64 `json:"cap_microusd"`
	Capped    bool  `json:"capped"` // false: the user asked for no cap on money
	Spent     int64 `json:"spent_microusd"`
	Unknown   int64 `json:"unknown_microusd"`
	Held      int64 `json:"held_microusd"`
	Reported  int64 `json:"reported_microusd,omitempty"` // of spent, what providers themselves said that calls cost
	Uncounted int64 `json:"uncounted_calls,omitempty"`   // answered without usable usage; their holds are in unknown
	Overrun   bool  `json:"overrun,omitempty"`           // a call cost more than its hold: nothing more is sent
	CapTokens int64 `json:"cap_tokens"`
	Tokens    int64 `json:"tokens"`
}

// StatusOf projects a state; p may be nil while there is no plan.
func StatusOf(p *planner.Plan, s *State) Status {
	st := Status{
		Version: StatusVersion, Build: s.Build.Build, State: s.Run, Reason: s.Reason,
		SpecPath: s.Build.SpecPath, SpecSHA: s.Build.SpecSHA, PlanSHA: s.PlanHash,
		Engine: s.Build.Engine, Provider: s.Build.Provider, Model: s.Build.Model, BaseURL: s.address(), API: s.Build.API, Price: s.Build.Price, Billing: s.Build.Billing.Or(budget.APIUSD), Sandbox: s.Session.Sandbox, Workers: max(s.Session.Workers, 1),
		Tasks: []TaskStatus{}, Requirements: []RequirementStatus{},
		Tokens: s.Guard.Account(budget.Build).Usage, Calls: s.Guard.Account(budget.Build).Calls, Planning: s.Guard.Account(budget.TaskScope(string(planner.PlanTask))).Calls, Repeats: s.Repeats, Head: s.Head, Drafted: s.Drafted, Forked: forkedFrom(s),
		StartedAt: s.Build.At, UpdatedAt: s.Updated, Seq: s.Seq,
		Budget: budgetOf(&s.Guard), Held: s.Held, Orders: ordersOf(s),
	}
	if t, ok := s.Tasks[planner.PlanTask]; ok {
		st.Tasks = append(st.Tasks, taskStatus(s, planner.Task{ID: t.ID, Title: "Plan"}, "", t.State))
	}
	if p == nil {
		return st
	}
	st.Project, st.Type = p.Project.Name, p.Project.Type
	standing := Standings(p, s)
	covering := map[planner.RequirementID][]planner.Task{}
	for _, ph := range p.Phases {
		for _, t := range ph.Tasks {
			st.Tasks = append(st.Tasks, taskStatus(s, t, ph.ID, standing[t.ID]))
			for _, r := range t.Covers {
				covering[r] = append(covering[r], t)
			}
		}
	}
	gates := map[planner.GateID]planner.Gate{}
	for _, g := range p.Gates {
		gates[g.ID] = g
	}
	for _, r := range p.Requirements {
		st.Requirements = append(st.Requirements, proofOf(s, r, covering[r.ID], gates))
	}
	return st
}

// address is the provider's as the newest session has it.
func (s *State) address() string {
	if s.Session.BaseURL != "" {
		return s.Session.BaseURL
	}
	return s.Build.BaseURL
}

func taskStatus(s *State, t planner.Task, phase planner.PhaseID, state TaskPhase) TaskStatus {
	ts := s.Task(t.ID)
	used := s.Guard.Account(budget.TaskScope(string(t.ID)))
	return TaskStatus{
		ID: t.ID, Phase: phase, Title: t.Title, State: state, Attempts: ts.Attempts, Model: ts.Model, Why: ts.Why, Commit: ts.Commit, From: ts.From,
		Reason: ts.Reason, Edits: ts.Edits, Again: ts.Again, Earlier: ts.Earlier, Cost: used.Spent + used.Unknown, Calls: used.Calls, Question: ts.Question,
	}
}

func budgetOf(g *budget.Guard) BudgetStatus {
	used, limit := g.Account(budget.Build), g.Limit(budget.Build)
	return BudgetStatus{
		Cap: int64(limit.USD), Capped: !limit.NoUSD, Spent: int64(used.Spent), Unknown: int64(used.Unknown), Held: int64(used.Held),
		Reported: int64(used.Reported), Uncounted: used.Uncounted, Overrun: g.Overrun != nil,
		CapTokens: limit.Tokens, Tokens: used.UsedTokens(),
	}
}

// proofOf traces one requirement to the tasks that cover it, gates and commits.
func proofOf(s *State, r planner.Requirement, covering []planner.Task, gates map[planner.GateID]planner.Gate) RequirementStatus {
	rs := RequirementStatus{ID: r.ID, Text: r.Text, Source: r.Source, CoveredBy: []planner.TaskID{}, Gates: []planner.GateID{}}
	for _, t := range covering {
		rs.CoveredBy = append(rs.CoveredBy, t.ID)
		ts := s.Task(t.ID)
		for _, id := range t.Gates {
			g, ok := gates[id]
			if !ok || !provesOne(g, r.ID) {
				continue
			}
			st := ts.Gates[id]
			switch {
			case ts.State != TaskIsDone || st == nil || !st.Pass:
			case st.Red || slices.Contains(st.Kept, r.ID):
				rs.Proven = true
				rs.Gates = append(rs.Gates, id)
			case st.BaseRun:
				rs.Before = append(rs.Before, id)
			}
		}
		if ts.State == TaskIsDone {
			rs.Commits = append(rs.Commits, ts.Commit)
		}
	}
	return rs
}

// provesOne says whether gate g can prove requirement id.
func provesOne(g planner.Gate, id planner.RequirementID) bool {
	if !g.ProvesRequirements() {
		return false
	}
	if len(g.Proves) == 0 {
		return true
	}
	for _, r := range g.Proves {
		if r == id {
			return true
		}
	}
	return false
}
