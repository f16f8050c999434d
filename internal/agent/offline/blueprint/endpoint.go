package blueprint

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

var (
	endpointSpan = regexp.MustCompile(`^((?:GET|POST|PUT|PATCH|DELETE|HEAD)(?:\s*[|,/]\s*(?:GET|POST|PUT|PATCH|DELETE|HEAD))*)\s+(/[^\s]*)$`)
	bareEndpoint = regexp.MustCompile(`^((?:GET|POST|PUT|PATCH|DELETE)(?:\s*[|,]\s*(?:GET|POST|PUT|PATCH|DELETE))*\s+/[^\s,;:]*)[\s:,;–—-]*(.*)$`)
	pathParam    = regexp.MustCompile(`^(?:\{[^{}/]+\}|:[A-Za-z_]\w*|<[^<>/]+>)$`)
	pageDefault  = regexp.MustCompile(`(?i)\b(?:pages of|default(?:s? to)?|limit)\s+(\d+)\b|\b(\d+) (?:(?:entries|items|records|results) )?(?:by default|a page|per page|unless)`)
	number       = regexp.MustCompile(`\d+`)
	pageMax      = regexp.MustCompile(`(?i)\b(?:at most|max(?:imum)?|up to|no more than)\s+(\d+)\b`)
)

// endpoints reads the sections that describe the HTTP interface.
func (r *reader) endpoints() {
	var others []statement
	for _, s := range r.doc.sections {
		if s.kind != sectionEndpoints {
			continue
		}
		for _, it := range s.items {
			if !r.endpointItem(it) {
				others = append(others, it)
			}
		}
		for _, b := range s.blocks {
			r.endpointBlock(b)
		}
	}
	for _, it := range others {
		r.statement(it)
	}
	for _, s := range r.doc.sections {
		for _, it := range s.items {
			if s.kind == sectionOther && it.list && strings.HasPrefix(it.text, "`") {
				r.endpointItem(it)
			}
		}
	}
}

// endpointBlock reads a code block that lists endpoints, one a line.
func (r *reader) endpointBlock(b Block) {
	if b.Lang != "" && b.Lang != "text" {
		return
	}
	for i, line := range strings.Split(b.Text, "\n") {
		if m := bareEndpoint.FindStringSubmatch(strings.TrimSpace(line)); m != nil {
			r.endpointItem(statement{text: "`" + m[1] + "` " + m[2], line: b.Line + i})
		}
	}
}

// endpointItem reads an item that names endpoints in code spans, or begins with one; it reports
// false when there is none.
func (r *reader) endpointItem(it statement) bool {
	text := it.text
	if it.row {
		text = endpointRow(tableCells(text))
	}
	if m := bareEndpoint.FindStringSubmatch(text); m != nil && !strings.Contains(text, "`") {
		text = "`" + m[1] + "` " + m[2]
	}
	found := false
	last := []int{}
	spans := codeSpan.FindAllStringSubmatchIndex(text, -1)
	prose := ""
	flush := func() {
		if len(last) > 0 {
			r.describe(last, prose, it.line)
		} else if strings.TrimSpace(prose) != "" && found {
			r.sentence(prose, it.line, true)
		}
	}
	from := 0
	for _, s := range spans {
		m := endpointSpan.FindStringSubmatch(strings.TrimSpace(text[s[2]:s[3]]))
		if m == nil {
			continue
		}
		prose += text[from:s[0]]
		from = s[1]
		if !found && strings.TrimSpace(prose) != "" || found {
			if strings.Trim(prose, " ,;:and/|-–—") != "" {
				flush()
				last = nil
			}
		}
		prose = ""
		found = true
		last = append(last, r.addEndpoints(m[1], m[2], it)...)
	}
	if !found {
		return false
	}
	prose += text[from:]
	flush()
	return true
}

// endpointRow joins the cells of a table row: the method and the path as code, the rest behind it,
// whatever the order of the columns.
func endpointRow(cells []string) string {
	method := slices.IndexFunc(cells, func(c string) bool { return endpointSpan.MatchString(c + " /") })
	path := slices.IndexFunc(cells, func(c string) bool { return strings.HasPrefix(c, "/") && !strings.Contains(c, " ") })
	if method >= 0 && path >= 0 {
		head := "`" + cells[method] + " " + cells[path] + "`"
		rest := slices.DeleteFunc(slices.Clone(cells), func(c string) bool { return c == cells[method] || c == cells[path] })
		return head + " " + strings.Join(rest, " ")
	}
	if endpointSpan.MatchString(cells[0]) {
		return "`" + cells[0] + "` " + strings.Join(cells[1:], " ")
	}
	return strings.Join(cells, " ")
}

// addEndpoints adds one endpoint a method and gives their indexes.
func (r *reader) addEndpoints(methods, target string, it statement) []int {
	var added []int
	path, query, _ := strings.Cut(target, "?")
	for _, method := range strings.FieldsFunc(methods, func(c rune) bool { return c == '|' || c == ',' || c == '/' || c == ' ' }) {
		e := Endpoint{Method: method, Path: "/" + strings.Trim(path, "/"), Line: it.line, Text: it.text}
		for _, pair := range strings.Split(query, "&") {
			if name, _, _ := strings.Cut(pair, "="); name != "" {
				e.Query = append(e.Query, name)
			}
		}
		if why := r.resolve(&e); why != "" {
			r.unknown(it.line, method+" "+target, why)
			continue
		}
		if i := slices.IndexFunc(r.bp.Endpoints, func(o Endpoint) bool { return o.Method == e.Method && o.Path == e.Path }); i >= 0 {
			for _, q := range e.Query {
				if !slices.Contains(r.bp.Endpoints[i].Query, q) {
					r.bp.Endpoints[i].Query = append(r.bp.Endpoints[i].Query, q)
				}
			}
			r.bp.Endpoints[i].Ranges = append(r.bp.Endpoints[i].Ranges, e.Ranges...)
			added = append(added, i)
			continue
		}
		r.bp.Endpoints = append(r.bp.Endpoints, e)
		added = append(added, len(r.bp.Endpoints)-1)
	}
	return added
}

// resolve finds what an endpoint serves and does, or says why not.
func (r *reader) resolve(e *Endpoint) string {
	segments := strings.Split(strings.Trim(e.Path, "/"), "/")
	params := map[int]string{}
	for i, s := range segments {
		if pathParam.MatchString(s) {
			segments[i], params[i] = "{id}", strings.Trim(s, "{}:<>")
		}
	}
	e.Path = "/" + strings.Join(segments, "/")
	if e.Method == "GET" && (e.Path == "/healthz" || e.Path == "/health") {
		e.Action = "health"
		return ""
	}
	first := slices.IndexFunc(segments, func(s string) bool { return r.segmentEntity(s) != nil })
	if first < 0 || slices.ContainsFunc(segments[:first], func(s string) bool { return s == "{id}" || s == "" }) {
		return "the path names no entity of the Data section"
	}
	owner := r.segmentEntity(segments[first])
	e.Entity = owner.Name
	if f := findField(owner, params[first+1]); params[first+1] != "" && f != nil && f.Ref != owner.Name {
		return fmt.Sprintf("records are named by their number in a path, not by their %s", f.Name)
	}
	rest := segments[first+1:]
	switch {
	case len(rest) == 0:
		e.Action = map[string]string{"GET": "list", "POST": "create"}[e.Method]
	case len(rest) == 1 && rest[0] == "{id}":
		e.Action = map[string]string{"GET": "get", "PATCH": "update", "PUT": "replace", "DELETE": "delete"}[e.Method]
	case len(rest) == 2 && rest[0] == "{id}":
		return r.resolveBelow(e, owner, rest[1])
	}
	if e.Action == "" {
		return "what " + e.Method + " does on this path is not known"
	}
	return r.checkQuery(e)
}

// resolveBelow understands /tools/{id}/loans and /loans/{id}/return.
func (r *reader) resolveBelow(e *Endpoint, owner *Entity, last string) string {
	if below := r.segmentEntity(last); below != nil {
		var refs []string
		for _, f := range below.Fields {
			if f.Kind == Ref && f.Ref == owner.Name {
				refs = append(refs, f.Key)
			}
		}
		if len(refs) != 1 {
			return fmt.Sprintf("%s does not refer to %s by exactly one field", below.Name, owner.Name)
		}
		e.Entity, e.Parent = below.Name, refs[0]
		e.Action = map[string]string{"GET": "list", "POST": "create"}[e.Method]
		if e.Action == "" {
			return "what " + e.Method + " does on this path is not known"
		}
		return r.checkQuery(e)
	}
	if e.Method != "POST" && e.Method != "PUT" && e.Method != "PATCH" {
		return "what stands behind {id} is neither an entity nor an action"
	}
	e.Action = "set"
	text := e.Text
	if i := strings.Index(text, e.Path); i >= 0 {
		text = text[i+len(e.Path):]
	}
	text, _, _ = strings.Cut(strings.TrimPrefix(text, "`"), ";")
	if e.Set = doneLike(strings.ToLower(last), text, *owner); len(e.Set) == 0 {
		return "what the action " + last + " changes is not said in a way that is understood"
	}
	return ""
}

// checkQuery reports parameters that are neither fields nor known words.
func (r *reader) checkQuery(e *Endpoint) string {
	entity := r.entity(e.Entity)
	for i, q := range e.Query {
		if slices.Contains(listWords(), q) {
			continue
		}
		f := findField(entity, q)
		if rng := rangeOfParam(q, entity); f == nil && rng != nil {
			e.Ranges = append(e.Ranges, *rng)
			continue
		}
		if f == nil {
			return fmt.Sprintf("the parameter %q is no field of %s", q, entity.Name)
		}
		e.Query[i] = f.Key
	}
	return ""
}

// listWords are the parameters of a list that are not fields.
func listWords() []string {
	return []string{"sort", "order", "limit", "offset", "page", "per_page", "page_size", "q", "search", "query"}
}

// segmentEntity finds the entity whose name or plural a path segment is; the segment's spelling
// of the plural is kept. A segment that is no regular plural may still be that of the only entity
// which begins like it.
func (r *reader) segmentEntity(segment string) *Entity {
	s := strings.ToLower(strings.Join(nameParts(segment), ""))
	if s == "" || segment == "{id}" {
		return nil
	}
	var like []*Entity
	for i := range r.bp.Entities {
		e := &r.bp.Entities[i]
		name := strings.ToLower(strings.Join(nameParts(e.Name), ""))
		if s == strings.ToLower(strings.Join(nameParts(e.Plural), "")) || slices.Contains(plurals(name), s) {
			if e.Plural == "" {
				e.Plural = strings.Join(nameParts(segment), " ")
			}
			return e
		}
		if len([]rune(name)) >= 4 && len(s) >= len(name) && strings.HasPrefix(s, string([]rune(name)[:3])) && e.Plural == "" {
			like = append(like, e)
		}
	}
	if len(like) == 1 && !pathVerb(segment) {
		like[0].Plural = strings.Join(nameParts(segment), " ")
		return like[0]
	}
	return nil
}

// pathVerb keeps words of actions from being taken for odd plurals.
func pathVerb(segment string) bool {
	return strings.HasSuffix(segment, "ed") || strings.HasSuffix(segment, "ing")
}

// describe checks the prose behind endpoints, clause by clause.
func (r *reader) describe(endpoints []int, prose string, line int) {
	prose = strings.TrimLeft(strings.Trim(strings.TrimSpace(prose), "–—-"), ":–— ")
	for _, i := range endpoints {
		e := &r.bp.Endpoints[i]
		if e.Action == "list" {
			if m := pageDefault.FindStringSubmatch(prose); m != nil {
				e.Limit = firstNumber(m[1:])
			}
			if m := pageMax.FindStringSubmatch(prose); m != nil {
				e.Max = firstNumber(m[1:])
			}
			r.namedParams(e, prose)
			prose = r.quotedParams(e, prose)
		}
	}
	for _, clause := range clauses(prose) {
		if why := r.beyond(endpoints, clause); why != "" {
			r.unknown(line, clause, why)
			continue
		}
		if setClause(r.bp.Endpoints, endpoints, clause) || r.deleteClause(endpoints, clause, line) {
			continue
		}
		r.sentence(clause, line, true)
	}
}

var refusedWhen = lazy(`^(?:but |and )?(?:(?:it )?(?:answers?|returns?|gives?|fails?|responds?|refused?|is refused)(?: with)? )?(?:status )?\(?(4\d\d)\)?(?: conflict)?,? (?:if|when|while|as long as|where) (.+)$`)

// deleteClause reads "409 when it still has items" behind an endpoint that deletes.
func (r *reader) deleteClause(endpoints []int, clause string, line int) bool {
	m := refusedWhen.FindStringSubmatch(plainWords(clause))
	i := slices.IndexFunc(endpoints, func(i int) bool { return r.bp.Endpoints[i].Action == "delete" })
	if m == nil || i < 0 {
		return false
	}
	e := r.entity(r.bp.Endpoints[endpoints[i]].Entity)
	rules, ok := r.deleteState(*e, m[2])
	if !ok {
		return false
	}
	for _, rule := range rules {
		rule.Text, rule.Line = "Deleting "+article(e.Name)+": "+strings.TrimSpace(clause), line
		rule.Status = int(m[1][0]-'0')*100 + int(m[1][1]-'0')*10 + int(m[1][2]-'0')
		r.bp.Rules = append(r.bp.Rules, rule)
	}
	return true
}

// article puts "a" or "an" in front of a noun.
func article(noun string) string {
	noun = strings.ToLower(noun)
	if noun != "" && strings.ContainsRune("aeiou", rune(noun[0])) {
		return "an " + noun
	}
	return "a " + noun
}

// quotedParams adds the parameters that the prose quotes with a question mark or an ampersand in
// front, and gives the prose without them; what is no parameter of the list stays in it.
func (r *reader) quotedParams(e *Endpoint, prose string) string {
	return codeSpan.ReplaceAllStringFunc(prose, func(span string) string {
		query := strings.Trim(span, "` ")
		if query == "" || query[0] != '?' && query[0] != '&' {
			return span
		}
		with := Endpoint{Entity: e.Entity}
		for _, pair := range strings.FieldsFunc(query, func(c rune) bool { return c == '?' || c == '&' }) {
			name, _, _ := strings.Cut(pair, "=")
			with.Query = append(with.Query, name)
		}
		if r.checkQuery(&with) != "" {
			return span
		}
		for _, q := range with.Query {
			if !slices.Contains(e.Query, q) {
				e.Query = append(e.Query, q)
			}
		}
		e.Ranges = append(e.Ranges, with.Ranges...)
		return " "
	})
}

// pageSentence reads the page sizes of all lists from a sentence such as "lists have 10 entries per
// page by default, at most 100".
func (r *reader) pageSentence(s string) bool {
	size, most := pageDefault.FindStringSubmatch(s), pageMax.FindStringSubmatch(s)
	bare := number.ReplaceAllString(s, "")
	if size == nil && most == nil || !strings.Contains(s, "page") && !strings.Contains(s, "limit") ||
		!r.onlyWords(bare, "lists list pages page paged default defaults entries items records results size limit most max maximum up per have has return returns contain contains show shows unless asked said otherwise more if no given they at") {
		return false
	}
	for i := range r.bp.Endpoints {
		e := &r.bp.Endpoints[i]
		if e.Action != "list" {
			continue
		}
		if size != nil && e.Limit == 0 {
			e.Limit = firstNumber(size[1:])
		}
		if most != nil && e.Max == 0 {
			e.Max = firstNumber(most[1:])
		}
	}
	return true
}

// namedParams adds the parameters that only the prose names: "`limit` and `offset`", "sorting",
// "pages".
func (r *reader) namedParams(e *Endpoint, prose string) {
	words := nameParts(strings.ToLower(prose))
	add := func(name string) {
		if !slices.Contains(e.Query, name) {
			e.Query = append(e.Query, name)
		}
	}
	for _, w := range words {
		switch w {
		case "limit", "offset", "page", "per_page", "page_size", "q":
			add(w)
		case "paging", "pages", "pagination", "paged", "paginated", "paginate", "paginates":
			if !slices.Contains(e.Query, "page") {
				add("limit")
			}
		case "search", "searches":
			if !slices.Contains(e.Query, "q") && !slices.Contains(e.Query, "search") && !slices.Contains(e.Query, "query") {
				add("q")
			}
		}
	}
}

// thirdPerson gives what a verb of a path does in prose: cancel, cancels; publish, publishes.
func thirdPerson(verbs []string) []string {
	var out []string
	for _, v := range verbs {
		v = strings.ToLower(v)
		out = append(out, v+"s", v+"es")
		if stem, ok := strings.CutSuffix(v, "y"); ok {
			out = append(out, stem+"ies")
		}
	}
	return out
}

func firstNumber(texts []string) int {
	for _, t := range texts {
		if n, err := strconv.Atoi(t); err == nil && n > 0 && n <= 10000 {
			return n
		}
	}
	return 0
}

// setClause says whether a clause is the description of an action that was understood from it.
func setClause(all []Endpoint, endpoints []int, clause string) bool {
	return slices.ContainsFunc(endpoints, func(i int) bool {
		e := all[i]
		if e.Action != "set" {
			return false
		}
		words := nameParts(strings.ToLower(clause))
		last := nameParts(e.Path[strings.LastIndex(e.Path, "/")+1:])
		known := slices.Concat(stopWords(), thirdPerson(last), []string{"sets", "set", "marks", "mark", "as", "to", "yes", "no", "true", "false", "now", "200", "answers", "returns", "gives", "brings", "back", "changes", "ends", "closes", "opens", "finishes", "completes"})
		for _, m := range e.Set {
			known = append(known, nameParts(strings.ToLower(m.Field+" "+m.Value))...)
		}
		known = append(known, nameParts(strings.ToLower(e.Entity))...)
		known = append(known, nameParts(e.Path)...)
		for _, w := range words {
			if !slices.Contains(known, w) && !slices.Contains(known, strings.TrimSuffix(w, "s")) {
				return false
			}
		}
		return true
	})
}
