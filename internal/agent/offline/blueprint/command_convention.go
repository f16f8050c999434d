package blueprint

// What every generated command-line tool does anyway; a rule that says it asks for nothing more.
// The sentences come in lower case without marks.
var (
	toStderr  = lazy(`^(?:all )?(?:errors|error messages|messages about errors|refusals|problems) (?:go|are written|are printed|are reported|must go|must be written|must be printed) (?:to|on) (?:stderr|standard error|the standard error(?: stream)?)(?:,? (?:and|with) (?:exit|the exit code is|exit with|exit code)(?: code| status)? 1)?$`)
	refusedBy = lazy(`^(?:an? |any |all )?(?:unknown|missing|wrong|bad|invalid) (?:ids?|numbers?|values?|records?|input|arguments? values?)(?: must)?(?: is refused and| are refused and)? exits? with (?:code |status |exit code )?1$`)
	usageBy   = lazy(`^(?:an? |any |all )?(?:unknown|missing|wrong) (?:commands?|flags?|arguments?|usage|command lines?)(?: must)? exits? with (?:code |status |exit code )?2$`)
	noReuse   = lazy(`^(?:ids|numbers|an id|a number)(?: of deleted \S+)? (?:are|is) (?:never|not) (?:reused|given twice|used again|used twice)$`)
	resultsTo = lazy(`^(?:results|output) (?:go|goes|are written|is written) to (?:stdout|standard output)(?:,? errors to (?:stderr|standard error))?$`)
)

// isConvention says whether a sentence demands what every generated tool does.
func isConvention(sentence string) bool {
	for _, form := range []pattern{toStderr, refusedBy, usageBy, noReuse, resultsTo} {
		if form.MatchString(sentence) {
			return true
		}
	}
	return false
}
