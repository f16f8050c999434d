package config

import (
	"math"
	"strconv"
	"strings"
)

// Bytes reads a size as people write it: a whole number with KiB, MiB or GiB, or bytes without a unit.
func Bytes(s string) (int64, bool) {
	unit := int64(1)
	for suffix, n := range map[string]int64{"KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30} {
		if head, ok := strings.CutSuffix(s, suffix); ok {
			s, unit = strings.TrimSpace(head), n
		}
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n < 0 || n > math.MaxInt64/unit {
		return 0, false
	}
	return n * unit, true
}

func isSize(s string) bool {
	_, ok := Bytes(s)
	return ok
}
