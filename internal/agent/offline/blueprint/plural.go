package blueprint

import "strings"

// plural forms the English plural of a lower-case noun; of several words the last one changes.
func plural(noun string) string {
	head, last := "", noun
	if i := strings.LastIndexAny(noun, " -_"); i >= 0 {
		head, last = noun[:i+1], noun[i+1:]
	}
	return head + pluralWord(last)
}

func pluralWord(w string) string {
	if p := irregular(w); p != "" {
		return p
	}
	for _, compound := range []string{"man", "child", "person", "foot", "tooth", "goose", "mouse"} {
		if before, ok := strings.CutSuffix(w, compound); ok && len(before) > 2 && compound != "man" {
			return before + irregular(compound)
		}
	}
	switch {
	case len(w) < 2:
		return w + "s"
	case strings.HasSuffix(w, "sman"), strings.HasSuffix(w, "woman"), strings.HasSuffix(w, "rman"), strings.HasSuffix(w, "eman"):
		return w[:len(w)-2] + "en"
	case strings.HasSuffix(w, "sis"), strings.HasSuffix(w, "xis"):
		return w[:len(w)-2] + "es"
	case strings.HasSuffix(w, "fish"), strings.HasSuffix(w, "sheep"), strings.HasSuffix(w, "craft"):
		return w
	case strings.HasSuffix(w, "s"), strings.HasSuffix(w, "x"), strings.HasSuffix(w, "z"), strings.HasSuffix(w, "ch"), strings.HasSuffix(w, "sh"):
		return w + "es"
	case strings.HasSuffix(w, "y") && !strings.ContainsRune("aeiou", rune(w[len(w)-2])):
		return w[:len(w)-1] + "ies"
	default:
		return w + "s"
	}
}

// plurals are all forms that people use for the plural of a lower-case noun, the usual one first:
// octopuses and octopi, formulas and formulae.
func plurals(noun string) []string {
	out := []string{plural(noun)}
	for _, e := range [][2]string{{"us", "i"}, {"um", "a"}, {"on", "a"}, {"a", "ae"}, {"ex", "ices"}, {"ix", "ices"}, {"is", "es"}, {"us", "era"}, {"us", "ora"}, {"ma", "mata"}, {"eau", "eaux"}, {"o", "i"}, {"f", "ves"}, {"fe", "ves"}, {"o", "oes"}, {"y", "ys"}, {"", "s"}, {"", "es"}, {"", "im"}, {"", ""}} {
		if stem, ok := strings.CutSuffix(noun, e[0]); ok && len(stem) > 1 {
			out = append(out, stem+e[1])
		}
	}
	return out
}

// irregular gives the plurals that no ending tells, "" for others.
func irregular(w string) string {
	switch w {
	case "person":
		return "people"
	case "child":
		return "children"
	case "man":
		return "men"
	case "foot":
		return "feet"
	case "tooth":
		return "teeth"
	case "goose":
		return "geese"
	case "mouse":
		return "mice"
	case "louse":
		return "lice"
	case "die":
		return "dice"
	case "ox":
		return "oxen"
	case "quiz":
		return "quizzes"
	case "leaf", "loaf", "thief", "half", "calf", "elf", "shelf", "self", "wolf", "hoof", "scarf", "sheaf":
		return w[:len(w)-1] + "ves"
	case "knife", "life", "wife":
		return w[:len(w)-2] + "ves"
	case "hero", "potato", "tomato", "echo", "torpedo", "veto", "embargo", "mosquito":
		return w + "es"
	case "criterion", "phenomenon":
		return w[:len(w)-2] + "a"
	case "datum", "bacterium", "medium", "curriculum", "memorandum", "stratum":
		return w[:len(w)-2] + "a"
	case "cactus", "fungus", "nucleus", "stimulus", "alumnus", "radius", "locus":
		return w[:len(w)-2] + "i"
	case "index", "vertex", "matrix", "appendix":
		return w[:len(w)-2] + "ices"
	case "series", "species", "deer", "moose", "salmon", "trout", "swine", "bison", "staff", "equipment", "furniture", "news", "luggage", "people", "data", "media", "money", "rice":
		return w
	}
	return ""
}
