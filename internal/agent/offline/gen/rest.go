package gen

import (
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/seed-c331f47d/builder/internal/agent/offline/blueprint"
	"github.com/seed-c331f47d/builder/internal/agent/offline/unit"
)

// The page sizes of lists where the spec says nothing else.
const (
	usualPage = 50
	mostPage  = 500
)

// RestAPI gives the units of a REST service: the core, then the service over it.
func RestAPI(bp *blueprint.Blueprint) ([]unit.Unit, error) {
	m := MannerOf(bp)
	base, _, err := Core(bp, m)
	if err != nil {
		return nil, err
	}
	if len(bp.Endpoints) == 0 {
		return nil, fmt.Errorf("generate service: the spec describes no endpoints")
	}
	s := service{core: newCore(bp, m)}
	readme, err := render([]job{{"README.md", "readme_core.md", s.view()}}, m)
	if err != nil {
		return nil, fmt.Errorf("generate readme: %w", err)
	}
	files, err := render(s.jobs(), s.manner)
	if err != nil {
		return nil, fmt.Errorf("generate service: %w", err)
	}
	return []unit.Unit{
		{Name: "core", Title: "Records, rules and storage", Goal: "Module, domain and store of " + bp.Name + ", with tests.", Files: append(base, readme...)},
		{Name: "service", Title: "HTTP service", Goal: "Endpoints, command and README of " + bp.Name + ", with tests.", Files: files},
	}, nil
}

// service adds HTTP to the core.
type service struct{ core }

// serviceView is what the templates of the service see.
type serviceView struct {
	coreView
	Title, Summary, Purpose string
	Routes                  []routeView
	Paths                   []pathView
	Lists                   listsView
	Run                     runView
	Rules                   []string
}

// routeView is one method on one path.
type routeView struct {
	Method, Path, Handler, Does string
}

// pathView is a path with all its methods.
type pathView struct{ Path, Allow string }

// listsView says which parameters any list has.
type listsView struct{ Any, Sort, Order, Limit, Offset, Page, Search bool }

// handlerView is a function that answers one endpoint.
type handlerView struct {
	Name, Method, Path, Action string
	Parent                     *parentView
	Location                   string // path of the new record without its id, "" when there is none
	Status                     int
	Listing                    string
	Items                      string
	Set                        string
	Test, Before, After        string
	SetKey, SetValue           string
	Does                       string
}

// parentView is the record that the id of a nested path names.
type parentView struct{ Type, Key string }

// resourceView is what the templates of one entity's handlers see.
type resourceView struct {
	entityView
	Handlers []handlerView
	Paged    string // parameter of the page size of the list, "" when it has none
	paths    map[string]string
}

// Path is the path of a plain action, without the id; "" when the entity has none.
func (r resourceView) Path(action string) string { return r.paths[action] }

func (s service) jobs() []job {
	v := s.view()
	jobs := []job{
		{"internal/server/doc.go", "server_doc.go", v},
		{"internal/server/server.go", "server_server.go", v},
		{"internal/server/serve.go", "server_serve.go", v},
		{"internal/server/request.go", "server_request.go", v},
		{"internal/server/respond.go", "server_respond.go", v},
		{"internal/server/server_test.go", "server_server_test.go", v},
	}
	for _, e := range v.Entities {
		r := s.resource(e)
		if len(r.Handlers) > 0 {
			jobs = append(jobs, job{path.Join("internal/server", e.Entity.Stem) + ".go", "server_entity.go", r})
		}
		jobs = append(jobs, job{path.Join("internal/server", e.Entity.Stem) + "_test.go", "server_entity_test.go", r})
	}
	return append(jobs,
		job{path.Join("cmd", v.Program, "main.go"), "main.go", v},
		job{"README.md", "readme_rest.md", v})
}

func (s service) view() serviceView {
	v := serviceView{coreView: s.core.view(), Title: s.bp.Title, Summary: s.bp.Summary, Run: s.run()}
	if v.Title == "" {
		v.Title = v.Program
	}
	v.Purpose = "serves " + v.Title + " over HTTP."
	for _, r := range s.bp.Rules {
		text := strings.TrimRight(comment(r.Text), ".") + "."
		if !slices.Contains(v.Rules, text) {
			v.Rules = append(v.Rules, text)
		}
	}
	methods := map[string][]string{}
	for _, e := range v.Entities {
		for _, h := range s.resource(e).Handlers {
			v.Routes = append(v.Routes, routeView{h.Method, h.Path, h.Name, h.Does})
			if methods[h.Path] == nil {
				v.Paths = append(v.Paths, pathView{Path: h.Path})
			}
			methods[h.Path] = append(methods[h.Path], h.Method)
			if h.Method == "GET" {
				methods[h.Path] = append(methods[h.Path], "HEAD")
			}
		}
	}
	for i, p := range v.Paths {
		v.Paths[i].Allow = strings.Join(methods[p.Path], ", ")
	}
	for _, e := range s.bp.Endpoints {
		if e.Action != "list" {
			continue
		}
		c := s.controls(e)
		v.Lists.Any, v.Lists.Sort = true, v.Lists.Sort || c["sort"] != ""
		v.Lists.Order = v.Lists.Order || c["order"] != ""
		v.Lists.Limit = v.Lists.Limit || c["limit"] != ""
		v.Lists.Offset = v.Lists.Offset || c["offset"] != ""
		v.Lists.Page = v.Lists.Page || c["page"] != ""
		v.Lists.Search = v.Lists.Search || c["search"] != ""
	}
	return v
}

// controls names the parameters of a list that are not fields. A field of the same name wins.
func (s service) controls(e blueprint.Endpoint) map[string]string {
	c := map[string]string{"sort": "sort"}
	for _, q := range e.Query {
		switch q {
		case "order":
			c["order"] = q
		case "limit", "per_page", "page_size":
			c["limit"] = q
		case "offset":
			c["offset"] = q
		case "page":
			c["page"] = q
		case "q", "search", "query":
			c["search"] = q
		}
	}
	if c["limit"] != "" || c["offset"] != "" || c["page"] != "" || e.Limit > 0 || e.Max > 0 {
		if c["limit"] == "" {
			c["limit"] = "limit"
		}
		if c["page"] == "" && c["offset"] == "" {
			c["offset"] = "offset"
		}
	}
	entity := s.names.entity(e.Entity)
	for role, name := range c {
		if entity.field(name) != nil {
			delete(c, role)
		}
	}
	return c
}

// listing writes the controls as elements of a Go literal.
func (s service) listing(e blueprint.Endpoint) string {
	c := s.controls(e)
	var parts []string
	for _, role := range []string{"sort", "order", "limit", "offset", "page", "search"} {
		if c[role] != "" {
			parts = append(parts, fmt.Sprintf("%s: %q", role, c[role]))
		}
	}
	if c["limit"] != "" {
		usual, most := e.Limit, e.Max
		if usual == 0 {
			usual = usualPage
		}
		if most == 0 {
			most = max(mostPage, usual)
		}
		parts = append(parts, fmt.Sprintf("usual: %d, most: %d", min(usual, most), most))
	}
	return strings.Join(parts, ", ")
}

func (s service) resource(e entityView) resourceView {
	r := resourceView{entityView: e, paths: map[string]string{}}
	used := map[string]bool{}
	for _, ep := range s.bp.Endpoints {
		if ep.Entity != e.Entity.Name || ep.Action == "health" {
			continue
		}
		h := s.handler(ep, e.Entity)
		for base, n := h.Name, 2; used[h.Name]; n++ {
			h.Name = base + strconv.Itoa(n)
		}
		used[h.Name] = true
		r.Handlers = append(r.Handlers, h)
		if ep.Parent == "" && r.paths[ep.Action] == "" {
			r.paths[ep.Action] = strings.TrimSuffix(ep.Path, "{id}")
			if ep.Action == "list" {
				r.Paged = s.controls(ep)["limit"]
			}
		}
	}
	if at := r.paths["get"]; at != "" {
		for i := range r.Handlers {
			if r.Handlers[i].Action == "create" {
				r.Handlers[i].Location = at
			}
		}
	}
	return r
}

func (s service) handler(ep blueprint.Endpoint, e Entity) handlerView {
	h := handlerView{Method: ep.Method, Path: ep.Path, Action: ep.Action, Name: ep.Action + e.Type, Items: s.manner.Items}
	if h.Items == "*" {
		h.Items = itemsKey(e)
	}
	what := article(e.Spoken)
	switch ep.Action {
	case "create":
		h.Status, h.Does = s.manner.Created, "stores "+what
	case "delete":
		h.Status, h.Does = s.manner.Deleted, "removes "+what
	case "list":
		h.Name, h.Listing = "list"+e.Types, s.listing(ep)
		h.Does = "lists " + strings.ToLower(e.Plural)
	case "get":
		h.Does = "gives " + what
	case "update":
		h.Does = "changes the fields that are given"
	case "replace":
		h.Does = "replaces " + what
	case "set":
		s.setHandler(&h, ep, e)
	}
	if ep.Parent != "" {
		f := e.field(ep.Parent)
		h.Parent = &parentView{Type: s.names.entity(f.Ref).Type, Key: f.Key}
		h.Name += "Of" + f.Go
		h.Does += " of one " + strings.ToLower(f.Ref)
	}
	return h
}

// setHandler fills the parts of an action such as POST /loans/{id}/return.
func (s service) setHandler(h *handlerView, ep blueprint.Endpoint, e Entity) {
	h.Before, h.After, _ = strings.Cut(ep.Path, "{id}")
	h.Test = exported(strings.Trim(h.After, "/"), "Do") + e.Type
	h.Name = unexported(exported(strings.Trim(h.After, "/"), "Do") + e.Type)
	h.Set, _ = whereInput(ep.Set)
	var says []string
	for _, m := range ep.Set {
		says = append(says, m.Field+" to "+m.Value)
	}
	h.Does = "sets " + strings.Join(says, " and ")
	f := e.field(ep.Set[0].Field)
	switch {
	case f == nil || f.List || !slices.Contains([]blueprint.Kind{blueprint.Bool, blueprint.Choice, blueprint.Text}, f.Kind):
	case f.Kind == blueprint.Bool:
		h.SetKey, h.SetValue = f.Key, strconv.FormatBool(ep.Set[0].Value == "yes")
	default:
		h.SetKey, h.SetValue = f.Key, ep.Set[0].Value
	}
}

func itemsKey(e Entity) string { return strings.ToLower(strings.Join(nameWords(e.Plural), "_")) }
