package blueprint

// ruleReader understands one shape of sentence. It reports true when it did; the rules may be none
// when the sentence only adds to a field.
type ruleReader func(r *reader, s string) ([]Rule, bool)

func ruleReaders() []ruleReader {
	return []ruleReader{readCascade, readDelete, readForbid, readLimit, readOrder, readSort, readUnique, readFieldRule}
}
