package planfile

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"gopkg.in/yaml.v3"
)

// nodeOf writes a value of a plan as a YAML node, by the yaml tags of its types. The library's own
// encoder is not used, as it loses blanks and tabs at the beginnings of lines and fails on some.
func nodeOf(v reflect.Value) (*yaml.Node, error) {
	if d, ok := v.Interface().(time.Duration); ok {
		return &yaml.Node{Kind: yaml.ScalarNode, Value: d.String()}, nil
	}
	switch v.Kind() {
	case reflect.Struct:
		return structNode(v)
	case reflect.Slice:
		n := &yaml.Node{Kind: yaml.SequenceNode}
		for i := range v.Len() {
			item, err := nodeOf(v.Index(i))
			if err != nil {
				return nil, err
			}
			n.Content = append(n.Content, item)
		}
		return n, nil
	case reflect.Map:
		return mapNode(v)
	case reflect.String:
		return textNode(v.String())
	case reflect.Int, reflect.Int64, reflect.Bool, reflect.Float64:
		n := &yaml.Node{}
		return n, n.Encode(v.Interface())
	default:
		return nil, fmt.Errorf("write %v: no form for it", v.Type())
	}
}

// structNode writes the fields of a struct that are not left out.
func structNode(v reflect.Value) (*yaml.Node, error) {
	n := &yaml.Node{Kind: yaml.MappingNode}
	for i := range v.NumField() {
		tag := strings.Split(v.Type().Field(i).Tag.Get("yaml"), ",")
		f := v.Field(i)
		if slices.Contains(tag, "omitempty") && (f.IsZero() || f.Kind() == reflect.Slice && f.Len() == 0 || f.Kind() == reflect.Map && f.Len() == 0) {
			continue
		}
		value, err := nodeOf(f)
		if err != nil {
			return nil, err
		}
		if slices.Contains(tag, "flow") {
			value.Style = yaml.FlowStyle
			for _, c := range value.Content { // a block has no place in a line
				if c.Style == yaml.LiteralStyle {
					c.Style = yaml.DoubleQuotedStyle
				}
			}
		}
		n.Content = append(n.Content, &yaml.Node{Kind: yaml.ScalarNode, Value: tag[0]}, value)
	}
	return n, nil
}

// mapNode writes a map with its keys in order.
func mapNode(v reflect.Value) (*yaml.Node, error) {
	n := &yaml.Node{Kind: yaml.MappingNode}
	keys := v.MapKeys()
	slices.SortFunc(keys, func(a, b reflect.Value) int { return strings.Compare(a.String(), b.String()) })
	for _, k := range keys {
		key, err := textNode(k.String())
		if err != nil {
			return nil, err
		}
		value, err := nodeOf(v.MapIndex(k))
		if err != nil {
			return nil, err
		}
		n.Content = append(n.Content, key, value)
	}
	return n, nil
}

// textNode writes a text: one of several lines as it is where that keeps it whole, one with
// characters that do not print with escapes, any other as YAML likes it best.
func textNode(s string) (*yaml.Node, error) {
	if !utf8.ValidString(s) {
		return nil, fmt.Errorf("write text %.40q: it is not UTF-8", s)
	}
	n := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: s}
	lines := strings.Contains(s, "\n")
	switch {
	case strings.ContainsFunc(s, isDelicate), lines && !literalKeeps(s):
		n.Style = yaml.DoubleQuotedStyle
	case lines:
		n.Style = yaml.LiteralStyle
	}
	return n, nil
}

// literalKeeps says whether a text of several lines comes back whole from a literal block.
func literalKeeps(s string) bool {
	if strings.TrimLeft(s, " \t\n") != s || strings.HasSuffix(s, "\n\n") {
		return false
	}
	for line := range strings.SplitSeq(s, "\n") {
		if strings.TrimRight(line, " \t") != line {
			return false
		}
	}
	return true
}

// isDelicate tells characters that must be written as escapes.
func isDelicate(r rune) bool {
	return r != '\n' && r != '\t' && !unicode.IsPrint(r) || r == '\ufeff'
}
