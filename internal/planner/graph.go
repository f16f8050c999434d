package planner

import (
	"container/heap"
	"fmt"
	"strings"
)

// Order lists the plan's tasks so that each comes behind all it needs; among those that may come
// next, plan order decides. It fails on a cycle and on a need that is no task.
func Order(p *Plan) ([]TaskID, error) {
	g := newGraph(p)
	if len(g.unknown) > 0 {
		u := g.unknown[0]
		return nil, fmt.Errorf("order tasks: %s needs %s, which is not in the plan", u[0], u[1])
	}
	order, _ := g.sort()
	if len(order) < len(g.tasks) {
		return nil, fmt.Errorf("order tasks: a cycle: %s", strings.Join(g.cycle(order), " -> "))
	}
	out := make([]TaskID, len(order))
	for i, n := range order {
		out[i] = g.tasks[n].ID
	}
	return out, nil
}

// graph holds the tasks by their position in the plan.
type graph struct {
	tasks   []Task
	index   map[TaskID]int
	needs   [][]int
	feeds   [][]int
	unknown [][2]TaskID // task, need
}

func newGraph(p *Plan) *graph {
	g := &graph{tasks: p.Tasks(), index: map[TaskID]int{}}
	for i, t := range g.tasks {
		if _, ok := g.index[t.ID]; !ok {
			g.index[t.ID] = i
		}
	}
	g.needs, g.feeds = make([][]int, len(g.tasks)), make([][]int, len(g.tasks))
	for i, t := range g.tasks {
		for _, id := range t.Needs {
			n, ok := g.index[id]
			if !ok {
				g.unknown = append(g.unknown, [2]TaskID{t.ID, id})
				continue
			}
			g.needs[i] = append(g.needs[i], n)
			g.feeds[n] = append(g.feeds[n], i)
		}
	}
	return g
}

// sort gives the tasks that are on no cycle and behind none, in order, and the length of the
// longest chain among them.
func (g *graph) sort() (order []int, depth int) {
	open := make([]int, len(g.tasks))
	level := make([]int, len(g.tasks))
	ready := &positions{}
	for i := range g.tasks {
		if open[i] = len(g.needs[i]); open[i] == 0 {
			heap.Push(ready, i)
		}
	}
	for ready.Len() > 0 {
		n := heap.Pop(ready).(int)
		order = append(order, n)
		level[n]++
		depth = max(depth, level[n])
		for _, f := range g.feeds[n] {
			level[f] = max(level[f], level[n])
			if open[f]--; open[f] == 0 {
				heap.Push(ready, f)
			}
		}
	}
	return order, depth
}

// cycle names the tasks of one cycle, the first repeated at the end; order is what sort gave.
func (g *graph) cycle(order []int) []string {
	left := make([]bool, len(g.tasks))
	for i := range left {
		left[i] = true
	}
	for _, n := range order {
		left[n] = false
	}
	at := 0
	for !left[at] {
		at++
	}
	seen := map[int]int{} // position in path
	var path []int
	for {
		if begin, ok := seen[at]; ok {
			var names []string
			for _, n := range append(path[begin:], at) {
				names = append(names, shown(string(g.tasks[n].ID)))
			}
			return names
		}
		seen[at] = len(path)
		path = append(path, at)
		for _, n := range g.needs[at] { // every task left needs another that is left
			if left[n] {
				at = n
				break
			}
		}
	}
}

// positions is a heap of positions in the plan, smallest first.
type positions []int

func (p positions) Len() int           { return len(p) }
func (p positions) Less(i, j int) bool { return p[i] < p[j] }
func (p positions) Swap(i, j int)      { p[i], p[j] = p[j], p[i] }

// Push adds a position; for package heap.
func (p *positions) Push(x any) { *p = append(*p, x.(int)) }

// Pop takes the last position; for package heap.
func (p *positions) Pop() any {
	old := *p
	x := old[len(old)-1]
	*p = old[:len(old)-1]
	return x
}

// graph checks that needs name tasks, form no cycle and are not too deep.
func (v *validator) graph() {
	g := newGraph(v.plan)
	for _, u := range g.unknown {
		v.add("E_PLAN_UNKNOWN_DEP", fmt.Sprintf("tasks[%d] %s", g.index[u[0]], shown(string(u[0]))), "needs "+shown(string(u[1]))+", which is not in the plan",
			Nearest(string(u[1]), keys(g.index)))
	}
	order, depth := g.sort()
	if len(order) < len(g.tasks) {
		c := g.cycle(order)
		v.add("E_PLAN_CYCLE", fmt.Sprintf("tasks[%d] %s", g.index[TaskID(c[0])], c[0]), "tasks need each other: "+elided(c), "take one of these needs away")
	}
	if depth > MaxDepth {
		v.add("E_PLAN_TOO_LARGE", "phases", fmt.Sprintf("%d tasks stand one behind the other, at most %d", depth, MaxDepth), "join tasks, or let them run side by side")
	}
}

// elided joins a path, leaving out the middle of a long one.
func elided(path []string) string {
	if len(path) > 12 {
		path = append(append(path[:6:6], fmt.Sprintf("… %d more …", len(path)-12)), path[len(path)-6:]...)
	}
	return strings.Join(path, " -> ")
}
