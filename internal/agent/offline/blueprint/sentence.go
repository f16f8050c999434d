package blueprint

import (
	"slices"
	"strings"
	"unicode"
)

var (
	sentenceEnd = lazy(`[.!?](?:\s+|$)`)
	normative   = lazy(`(?i)\b(?:must|shall|should|never|always|cannot|can't|may not|required|has to|have to|needs? to|refuses?|rejects?|forbidden)\b`)
)

// longestSentence bounds the work on text that cannot be a rule, in bytes.
const longestSentence = 600

// rules reads the sentences of the rules sections.
func (r *reader) rules() {
	for _, s := range r.doc.sections {
		if s.kind != sectionRules {
			continue
		}
		for _, it := range s.items {
			r.statement(it)
		}
	}
}

// statement reads all sentences of a statement of which every one matters.
func (r *reader) statement(it statement) {
	if it.row && strings.Trim(it.text, "|-: ") == "" {
		return
	}
	for _, clause := range clauses(it.text) {
		r.sentence(clause, it.line, true)
	}
}

// others reads what stands outside the sections with a meaning: there a list item or a sentence
// with a word such as "must" is a demand, other prose is not. In the Data section every item that
// is no field is one.
func (r *reader) others() {
	for _, s := range r.doc.sections {
		switch s.kind {
		case sectionOther, sectionRunning, sectionAcceptance:
			for _, it := range s.items {
				r.prose(it, it.list && s.kind != sectionAcceptance)
			}
		case sectionData:
			for _, it := range s.items {
				if !it.list && !it.row && !entityParagraph(it) {
					r.prose(it, false)
				}
			}
		}
	}
}

func (r *reader) prose(it statement, demand bool) {
	if it.list && strings.HasPrefix(it.text, "`") && r.isEndpointItem(it) {
		return
	}
	text := it.text
	if len(r.bp.Running) > 0 {
		// The line that starts the program is read elsewhere.
		text = strings.ReplaceAll(text, "`"+strings.Join(r.bp.Running, " ")+"`", "")
	}
	for _, clause := range clauses(strings.TrimLeft(text, " –—-:,")) {
		if demand || normative.MatchString(clause) || it.row {
			r.sentence(clause, it.line, true)
		} else {
			r.sentence(clause, it.line, false)
		}
	}
}

func (r *reader) isEndpointItem(it statement) bool {
	return slices.ContainsFunc(codeSpan.FindAllStringSubmatch(it.text, -1), func(m []string) bool { return endpointSpan.MatchString(strings.TrimSpace(m[1])) })
}

// clauses splits text into sentences, and those at semicolons.
func clauses(text string) []string {
	var out []string
	for _, s := range splitSentences(text) {
		for _, c := range strings.Split(s, ";") {
			c = strings.Trim(strings.TrimSpace(c), ".,:")
			if strings.Trim(c, " `*_|-–—") != "" {
				out = append(out, strings.TrimSpace(c))
			}
		}
	}
	return out
}

// splitSentences splits at full stops that end a sentence, not those of "e.g." or numbers.
func splitSentences(text string) []string {
	var out []string
	from := 0
	for _, m := range sentenceEnd.FindAllStringIndex(text, -1) {
		before := strings.ToLower(text[from:m[0]])
		if strings.HasSuffix(before, "e.g") || strings.HasSuffix(before, "i.e") || strings.HasSuffix(before, "etc") {
			continue
		}
		out = append(out, text[from:m[1]])
		from = m[1]
	}
	return append(out, text[from:])
}

// sentence reads one sentence: a rule, then what every program does anyway, then the description
// of an endpoint. With must set, a sentence that is none of these is unknown.
func (r *reader) sentence(text string, line int, must bool) {
	plain := plainWords(text)
	if plain == "" {
		return
	}
	if len(plain) > longestSentence {
		if must {
			r.unknown(line, strings.ToValidUTF8(text[:80], "")+"…", "the sentence is too long to be read by rule")
		}
		return
	}
	body, status := cutStatus(plain)
	for _, read := range ruleReaders() {
		if rules, ok := read(r, body); ok {
			for _, rule := range rules {
				rule.Text, rule.Line = strings.TrimSpace(text), line
				if status != 0 {
					rule.Status = status
				}
				r.bp.Rules = append(r.bp.Rules, rule)
			}
			return
		}
	}
	if r.bp.Type == "cli-tool" && isConvention(plain) || r.pageSentence(plain) {
		return
	}
	if !must || r.given(plain) || r.description(plain) {
		return
	}
	r.unknown(line, text, "no rule covers the sentence: "+strings.TrimSpace(text))
}

// plainWords lowers a sentence and takes the marks of Markdown and the punctuation off.
func plainWords(text string) string {
	text = strings.ToLower(text)
	text = strings.NewReplacer("`", "", "*", "", "“", "", "”", "", `"`, "", "’", "'", "can not", "cannot", "can't", "cannot", "mustn't", "must not", "isn't", "is not", "aren't", "are not", "don't", "do not", "doesn't", "does not").Replace(text)
	return strings.TrimRight(strings.Join(strings.Fields(text), " "), ".!;: ")
}

var (
	statusTail  = lazy(`(?:[,:]? (?:and )?(?:the (?:service|server|api|answer|program) )?(?:which |this |that |it )?(?:answers?|answered|returns?|gives?|responds?|fails?|is|are)?(?: refused| rejected| answered)?(?: with| as)?(?: the| a| an)?(?: status| http| code)* ?\(?|\s*\()(4\d\d)(?: conflict| bad request| unprocessable(?: entity)?)?\)?$`)
	refusedTail = lazy(`,? (?:is|are|gets?|will be|must be) (?:refused|rejected|forbidden|not allowed|not possible|an error|prevented|impossible|a conflict)$|,? (?:fails|conflicts|fail)$`)
)

// cutStatus takes an HTTP status off the end of a rule.
func cutStatus(s string) (string, int) {
	m := statusTail.FindStringSubmatchIndex(s)
	if m == nil {
		return s, 0
	}
	status := int(s[m[2]]-'0')*100 + int(s[m[2]+1]-'0')*10 + int(s[m[2]+2]-'0')
	rest := strings.TrimSpace(s[:m[0]])
	if rest == "" {
		return s, 0
	}
	return rest, status
}

func stopWords() []string {
	return strings.Fields(`a an the it its of and or with by for to in on at as is are be been has have that which who whose this these those
		one each every any all their his her them they when if also only then not no than from into out so such like e g i s`)
}

// onlyWords says whether every word of s is a stop word, a name of the spec, or in the vocabulary.
func (r *reader) onlyWords(s string, vocabulary string) bool {
	known := slices.Concat(stopWords(), strings.Fields(vocabulary), r.nouns())
	for _, w := range strings.FieldsFunc(s, func(c rune) bool { return !unicode.IsLetter(c) && !unicode.IsDigit(c) && !unicode.IsMark(c) }) {
		if !slices.Contains(known, w) {
			return false
		}
	}
	return true
}

// nouns are the words of entity and field names and of choices.
func (r *reader) nouns() []string {
	var out []string
	add := func(name string) { out = append(out, nameParts(strings.ToLower(name))...) }
	for _, e := range r.bp.Entities {
		add(e.Name)
		add(e.Plural)
		add(plural(strings.ToLower(e.Name)))
		for _, f := range e.Fields {
			add(f.Name)
			add(f.Key)
			add(plural(strings.ToLower(f.Name)))
			for _, c := range f.Choices {
				add(c)
			}
		}
	}
	return out
}
