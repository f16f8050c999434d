package clitool

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/seed-c331f47d/builder/internal/agent/offline/blueprint"
)

// voice is everything the program says, settled by the sessions or by default.
type voice struct {
	p      *program
	blocks map[*command]block
	lists  map[*command]listing
	faults map[string]phrase // by fault key
	exits  map[string]int    // by class; "usage" and "domain" for the rest
	prefix string            // in front of messages that no session settles
}

// observation is what one step of a session showed, and what the world says it did.
type observation struct {
	step blueprint.Step
	res  result
}

// exact says whether the step shows its whole output: without expected lines any output is right,
// and "..." stands for lines that are not shown.
func (o observation) exact() bool {
	return len(o.step.Output) > 0 && !slices.Contains(o.step.Output, "...")
}

func (o observation) output() output {
	return output{lines: o.step.Output, rows: o.res.rows, facts: o.res.facts}
}

// learn replays the sessions and finds what the program must say. What the sessions contradict is
// unknown.
func learn(p *program) (*voice, []blueprint.Unknown) {
	all, unknown := replay(p)
	observed := slices.DeleteFunc(slices.Clone(all), func(o observation) bool { return !o.exact() })
	v := &voice{p: p, blocks: map[*command]block{}, lists: map[*command]listing{}, faults: map[string]phrase{}, exits: map[string]int{"usage": 2, "domain": 1}}
	v.learnExits(all)
	v.learnFaults(p, observed)
	v.learnLists(p, observed)
	v.learnBlocks(p, observed)
	told := map[*command]bool{}
	for _, o := range all {
		if f := o.res.fault; f != nil && v.exit(f) != o.step.Exit {
			unknown = append(unknown, blueprint.Unknown{
				Text: "$ " + o.step.Command, Line: o.step.Line,
				Why: fmt.Sprintf("like refusals (%s) end with exit code %d elsewhere, here with %d", strings.ReplaceAll(f.class, "_", " "), v.exit(f), o.step.Exit),
			})
		}
	}
	for _, o := range observed {
		want := v.render(p, o.res)
		if o.res.json || slices.Equal(want, o.step.Output) {
			continue
		}
		u := blueprint.Unknown{
			Text: "$ " + o.step.Command, Line: o.step.Line,
			Why: "no rule gives the expected output " + quoted(o.step.Output) + " (the nearest gives " + quoted(want) + ")",
		}
		unknown = append(unknown, u)
		if c := o.res.command; c != nil && !told[c] {
			told[c] = true
			unknown = append(unknown, blueprint.Unknown{Text: c.Name, Line: c.Line, Why: "line " + strconv.Itoa(u.Line) + ": " + u.Why})
		}
	}
	return v, unknown
}

func quoted(lines []string) string {
	s := strings.Join(lines, " / ")
	if len(s) > 200 {
		s = s[:200] + "…"
	}
	return "`" + strings.ToValidUTF8(s, "") + "`"
}

// replay runs every session in a world of its own.
func replay(p *program) ([]observation, []blueprint.Unknown) {
	var observed []observation
	var unknown []blueprint.Unknown
	for _, b := range p.bp.Acceptance {
		if b.Lang != "console" {
			continue
		}
		w := newWorld(p)
		for _, s := range blueprint.ReadSession(b) {
			if len(s.Argv) == 0 || !isProgram(p, s.Argv[0]) {
				continue
			}
			res := w.run(s.Argv[1:])
			if (res.fault != nil) != (s.Exit != 0) {
				unknown = append(unknown, blueprint.Unknown{Text: "$ " + s.Command, Line: s.Line, Why: disagreement(res)})
				break // what follows stands on other data than the session's
			}
			observed = append(observed, observation{s, res})
		}
	}
	return observed, unknown
}

func isProgram(p *program, word string) bool {
	return word == p.name || strings.HasSuffix(word, "/"+p.name)
}

func disagreement(res result) string {
	if res.fault == nil {
		return "no rule of the spec makes this command fail"
	}
	return "by the rules of the spec this command fails (" + strings.ReplaceAll(res.fault.class, "_", " ") + ")"
}

// faultKey names the message of a fault, from the most general form to the most special.
func faultKeys(f *fault) []string {
	keys := []string{f.class}
	if f.entity != nil {
		keys = append(keys, f.class+"|"+f.entity.Name)
		if f.field != nil {
			keys = append(keys, f.class+"|"+f.entity.Name+"|"+f.field.Key)
		}
	}
	return keys
}

// learnExits finds the exit codes, also of refusals whose words are not shown.
func (v *voice) learnExits(observed []observation) {
	for _, o := range observed {
		f := o.res.fault
		if f == nil {
			continue
		}
		v.exits[f.class] = o.step.Exit
		if f.usage {
			v.exits["usage"] = o.step.Exit
		} else {
			v.exits["domain"] = o.step.Exit
		}
	}
}

// learnFaults finds the messages: one for a class where that explains all its examples, else one
// for each entity, else one for each field.
func (v *voice) learnFaults(p *program, observed []observation) {
	examples := map[string][]example{}
	v.prefix = p.name + ": "
	for _, o := range observed {
		f := o.res.fault
		if f == nil || len(o.step.Output) != 1 {
			continue
		}
		for _, key := range faultKeys(f) {
			examples[key] = append(examples[key], example{o.step.Output[0], f.facts})
		}
		v.prefix = prefixOf(p, o.step.Output[0])
	}
	for key, ex := range examples {
		if ph, ok := fit(ex); ok {
			v.faults[key] = ph
		}
	}
}

// prefixOf is what a message begins with before it says anything: "shelf: ", "error: " or nothing.
func prefixOf(p *program, line string) string {
	head, _, ok := strings.Cut(line, ": ")
	if ok && (strings.EqualFold(head, "error") || head == p.name) {
		return head + ": "
	}
	return ""
}

func (v *voice) fault(f *fault) phrase {
	for _, key := range faultKeys(f) {
		if ph, ok := v.faults[key]; ok {
			return ph
		}
	}
	return append(phrase{{lit: v.prefix}}, v.usual(f.class)...).tidy()
}

// usual is the message of a class when no session shows one; a rule is told in its own words.
func (v *voice) usual(class string) phrase {
	if n, ok := strings.CutPrefix(class, "rule_"); ok {
		i, _ := strconv.Atoi(n)
		return phrase{lit(ruleText(v.p.rules[i]))}
	}
	return defaultFault(class)
}

// ruleText is the message of a conflict in the generated store.
func ruleText(r blueprint.Rule) string {
	text := strings.Join(strings.Fields(strings.ReplaceAll(r.Text, "`", "")), " ")
	return strings.TrimRight(text, ".!; ")
}

func (v *voice) exit(f *fault) int {
	if code, ok := v.exits[f.class]; ok {
		return code
	}
	if f.usage {
		return v.exits["usage"]
	}
	return v.exits["domain"]
}

func isList(c *command) bool {
	return c.Action == blueprint.ActList || c.Action == blueprint.ActSearch || c.Action == blueprint.ActStats && c.entity != nil && groupField(c) != nil
}

// learnLists finds the listings. Lists of one entity mostly look alike, so that they are fitted
// together first; a command that differs is fitted alone.
func (v *voice) learnLists(p *program, observed []observation) {
	for _, e := range p.entities {
		var all []output
		own := map[*command][]output{}
		for _, o := range observed {
			c := o.res.command
			if o.res.fault != nil || o.res.json || o.res.silent || c == nil || c.entity != e || !isList(c) {
				continue
			}
			own[c] = append(own[c], o.output())
			if c.Action != blueprint.ActStats {
				all = append(all, o.output())
			}
		}
		shared, ok := fitListing(all)
		shared = fillListing(e, shared)
		for _, c := range p.commands {
			if c.entity == e && isList(c) {
				v.lists[c] = pickListing(e, c, own[c], shared, ok)
			}
		}
	}
}

func pickListing(e *entity, c *command, own []output, shared listing, ok bool) listing {
	if c.Action == blueprint.ActStats {
		l, fits := fitListing(own)
		if !fits || l.row == nil && l.table == nil {
			return defaultGroups(e)
		}
		return l
	}
	if ok {
		return shared
	}
	l, fits := fitListing(own)
	if !fits {
		return fillListing(e, listing{})
	}
	return fillListing(e, l)
}

// learnBlocks finds what the commands print that work on one record or on the whole.
func (v *voice) learnBlocks(p *program, observed []observation) {
	for _, c := range p.commands {
		if isList(c) {
			continue
		}
		var examples []output
		for _, o := range observed {
			if o.res.command == c && o.res.fault == nil && !o.res.json && !o.res.silent {
				examples = append(examples, perRecord(o)...)
			}
		}
		b, ok := block(nil), false
		if len(examples) > 0 {
			b, ok = fitBlock(examples)
			ok = ok && (c.Action != blueprint.ActStats || b.telling())
		}
		if !ok {
			b = quotedBlock(c)
		}
		if b == nil {
			b = defaultBlock(p, c)
		}
		v.blocks[c] = b
		if many := slices.Clone(b).plurals(p, c); !slices.ContainsFunc(examples, func(o output) bool {
			return slices.Equal(b.render(o.facts), o.lines) && !slices.Equal(many.render(o.facts), o.lines)
		}) {
			v.blocks[c] = many
		}
	}
}

// perRecord cuts what a command printed about several records into equal parts.
func perRecord(o observation) []output {
	n := len(o.res.rows)
	if n <= 1 || len(o.step.Output)%n != 0 {
		return []output{o.output()}
	}
	var out []output
	size := len(o.step.Output) / n
	for i, k := range o.res.rows {
		out = append(out, output{lines: o.step.Output[i*size : (i+1)*size], facts: k})
	}
	return out
}

// render gives what the program prints for a result.
func (v *voice) render(p *program, res result) []string {
	switch {
	case res.fault != nil:
		return trimRight([]string{v.fault(res.fault).render(res.fault.facts)})
	case res.command == nil:
		return nil
	case isList(res.command):
		return trimRight(v.lists[res.command].render(output{rows: res.rows, facts: res.facts}))
	case len(res.rows) > 1:
		var lines []string
		for _, k := range res.rows {
			lines = append(lines, v.blocks[res.command].render(k)...)
		}
		return trimRight(lines)
	}
	return trimRight(v.blocks[res.command].render(res.facts))
}

func trimRight(lines []string) []string {
	for i := range lines {
		lines[i] = strings.TrimRight(lines[i], " ")
	}
	return lines
}
