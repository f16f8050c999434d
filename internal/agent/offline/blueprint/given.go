package blueprint

import (
	"slices"
	"strings"
)

// The signs of what is given.
var (
	givenStore    = lazy(`\b(?:surviv\w+|persist\w*|restarts?|kept|stored|saved|keeps|lives|embedded|durable)\b`)
	givenStop     = lazy(`\b(?:gracefully|graceful|sigterm|sigint|ctrl)\b`)
	givenJSON     = lazy(`\bjson\b`)
	givenNotFound = lazy(`\b404\b|\bnot found\b`)
	givenInvalid  = lazy(`\b400\b|\binvalid\b|\bmalformed\b|\bwrong\b`)
	givenStrict   = lazy(`\bunknown (?:\w+ (?:and|or) )?(?:fields?|keys?|parameters?|query)\b`)
	givenMethod   = lazy(`\b405\b`)
	givenSize     = lazy(`\b413\b|\b1 mi?b\b`)
	givenPage     = lazy(`\b(?:total|pages?|paged|paginated|limit|offset|items)\b`)
	givenFilter   = lazy(`\b(?:filter\w*|sort\w*)\b`)
	givenTests    = lazy(`\btests?\b`)
	givenReadme   = lazy(`\breadme\b`)
	givenHealth   = lazy(`\bhealthz?\b`)
	givenOpen     = lazy(`^(?:there (?:is|are) )?(?:no|nobody|without|neither)\b.*\b(?:auth\w*|log|login|logins|accounts?|passwords?|tokens?)\b|\b(?:authentication|login|accounts?) (?:is|are) (?:not|never) (?:needed|required|necessary)`)
	givenID       = lazy(`\bids?\b`)
	givenMoney    = lazy(`\b(?:hundredths|cents|decimals|exact)\b|\b79\.90\b`)
	givenDate     = lazy(`\b(?:yyyy|iso|calendar)\b|\b\d{4} \d\d \d\d\b|\b\d{4}-\d\d-\d\d\b`)
)

// givenRule holds what every generated program does without being told. A sentence asks for one of
// these when it has the sign and no word outside of the vocabulary.
type givenRule struct {
	sign       pattern
	vocabulary string
	types      string // the only project type that it is true for, "" for all
}

// givenRules are all of them; a sentence may ask for several at once.
func givenRules() []givenRule {
	return []givenRule{
		{givenStore,
			`data everything records record program service server survive survives surviving persist persists persisted persistent state kept keep keeps stored saved
		 restart restarts restarting crash crashes across between disk file files single local data folder directory dir database db embedded below under inside lives must stays there store storage durable durably bbolt`, ""},
		{givenStop,
			`gracefully graceful shutdown shuts shut down stop stops stopping sigterm sigint ctrl c running requests request flight finish finishes finished ends end waits wait first server service program signal signals must after before closing connections open current exits 0`, "rest-api"},
		{givenJSON,
			`json api with in service server errors error answers answer answered responses response bodies body requests request object objects sentence message key field fields utf 8 content type application always must come comes speaks accepts everything come says`, "rest-api"},
		{givenNotFound,
			`unknown ids id paths path answer answers answered return returns give gives 404 missing record records not found do does exist wrong json error get gets`, "rest-api"},
		{givenInvalid,
			`invalid input inputs values value body bodies malformed json answer answers answered return returns give gives 400 errors error field fields key keys per naming names name wrong missing bad request requests validation refused rejected unknown parameters parameter query message lists says say object what report reported`, "rest-api"},
		{givenStrict,
			`unknown fields field keys key query parameters parameter values value body are refused rejected answer answers 400 error errors`, "rest-api"},
		{givenMethod, `405 method methods unknown other wrong path paths answer answers known not allowed unsupported`, "rest-api"},
		{givenSize, `413 bodies body requests larger bigger longer above over more 1 mib mb answer answers are refused with request limit limited`, "rest-api"},
		{givenPage,
			`lists list answer answers answered answering there return returns give gives total limit offset items item page pages paged paginated object count how many matched match matching records found json number`, "rest-api"},
		{givenFilter,
			`lists list can filter filters filtered filtering sort sorts sorted sorting field fields minus sign front before reverses descending ascending combine combined combination order query parameters parameter name names`, "rest-api"},
		{givenTests, `tests test own comes project program code has must pass go unit automated run covered cover covers includes include`, ""},
		{givenReadme, `readme md says explains tells describes how run build test use project program has comes must includes a start includes include examples example lists`, ""},
		{givenHealth, `healthz health get answers answer 200 endpoint check ok must once up running service server ready`, "rest-api"},
		{givenOpen, `there is are no nobody none without neither nor authentication authorization auth login logins log in accounts account users user passwords password tokens token needs need needed required necessary has have to be not never or and roles permissions anyone may use it service`, ""},
		{givenID, `ids id given gives assigned server service program store record records never reused reuse again used twice unique number numbers new get gets automatically must`, ""},
		{givenMoney, `money amounts amount prices price kept held stored cents hundredths exact exactly decimals two written shown text string strings must never float floats floating point`, ""},
		{givenDate, `dates date written given read shown yyyy mm dd iso 8601 2026 2025 2024 01 02 12 31 text strings calendar days must format form`, ""},
	}
}

// pathPrefix is a sentence such as "everything stands below /api/v1".
var pathPrefix = lazy(`^(?:everything|all (?:paths|endpoints|routes)|paths|the (?:api|service)) (?:stands?|lives?|is|are|starts?|begins?|served)(?: served)? (?:below|under|with|at|behind)(?: the prefix)? (/\S+)$`)

// prefixed says whether a sentence gives the prefix that the paths have indeed.
func (r *reader) prefixed(s string) bool {
	m := pathPrefix.FindStringSubmatch(s)
	if m == nil {
		return false
	}
	return !slices.ContainsFunc(r.bp.Endpoints, func(e Endpoint) bool {
		return e.Action != "health" && !strings.HasPrefix(strings.ToLower(e.Path), m[1])
	})
}

// given says whether a sentence asks only for what every program does.
func (r *reader) given(s string) bool {
	vocabulary := ""
	for _, g := range givenRules() {
		if g.sign.MatchString(s) && (g.types == "" || g.types == r.bp.Type) {
			vocabulary += " " + g.vocabulary
		}
	}
	return vocabulary != "" && r.onlyWords(s, vocabulary) || r.prefixed(s)
}

// describing are the words in which the doings of endpoints are usually told.
const describing = `creates create adds add new places place books book schedules schedule submits submit posts post records opens starts lends lend borrows borrow saves save inserts insert stores store registers register makes lists list listing returns return gives give shows show reads read gets get fetches fetch answers answer
	single one several some changes change changing updates update updated edits edit modifies partial partially replaces replace whole deletes delete removes remove removed
	filters filter filtered filtering sorts sort sorted sorting orders order ordered pages page paging paged pagination limit offset query parameters parameter params given fields field values value
	json body object id ids 200 201 204 matching match exist exists record records total count asc desc ascending descending per page number
	newest latest oldest first paginate paginates paginated filterable sortable supports support supporting allows results
	q asc desc optional optionally any combination combined default defaults most search searches searching text words found finds find serves serve works work same way`

var statuses = lazy(`\b[2345]\d\d\b`)

// description says whether words describe an endpoint and ask for nothing beyond it.
func (r *reader) description(s string) bool {
	if r.bp.Type != "rest-api" {
		return false
	}
	for _, status := range statuses.FindAllString(s, -1) {
		if status != "200" && status != "201" && status != "204" && status != "404" && status != "400" {
			return false
		}
	}
	if normative.MatchString(s) {
		return false
	}
	if verb, _, _ := strings.Cut(s, " "); slices.ContainsFunc(r.bp.Entities, func(e Entity) bool { return akin(verb, e.Name) }) {
		s = strings.TrimPrefix(s, verb)
	}
	return r.onlyWords(s, describing+" 404 400 unknown missing invalid 1 2 5 10 20 25 50 100 200 500 1000 up at")
}
