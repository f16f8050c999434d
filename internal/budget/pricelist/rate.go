package pricelist

import (
	"encoding/json"
	"math/big"
	"strconv"

	"github.com/seed-c331f47d/builder/internal/budget"
)

// perToken and perMillion are how many micro-dollars per million tokens a dollar of a list is.
const (
	perToken   = 1e12
	perMillion = 1e6
)

// micros turns a number of a list into micro-dollars, rounded up as costs are; what binary fractions
// add at the far end does not count. Not a number, negative, or above what money can be is not ok.
func micros(n json.Number, scale int64) (budget.Micro, bool) {
	f, err := strconv.ParseFloat(string(n), 64)
	if err != nil || !(f >= 0 && f < 1e9) || len(n) > 64 {
		return 0, false
	}
	if f*float64(scale) < 1e-4 {
		return 0, true
	}
	r, ok := new(big.Rat).SetString(string(n))
	if !ok {
		return 0, false
	}
	r.Mul(r, new(big.Rat).SetInt64(scale)).Sub(r, big.NewRat(1, 10_000))
	up := new(big.Int).Add(r.Num(), new(big.Int).Sub(r.Denom(), big.NewInt(1)))
	up.Quo(up, r.Denom())
	if !up.IsInt64() {
		return 0, false
	}
	return budget.Micro(up.Int64()), true
}

// count is a number of tokens; 0 when it is none or cannot be.
func count(n json.Number) int64 {
	f, err := strconv.ParseFloat(string(n), 64)
	if err != nil || !(f >= 1 && f <= 1<<31) || f != float64(int64(f)) {
		return 0
	}
	return int64(f)
}

// number reads a number, or text that holds one; "" for anything else.
func number(raw json.RawMessage) json.Number {
	var n json.Number
	if json.Unmarshal(raw, &n) != nil {
		return ""
	}
	return n
}

// rates are the five classes of a band, of which a list may leave out some.
type rates struct {
	input, output, write5m, write1h, read *budget.Micro
}

// over is r with what it leaves out taken from base.
func (r rates) over(base rates) rates {
	pick := func(a, b *budget.Micro) *budget.Micro {
		if a != nil {
			return a
		}
		return b
	}
	return rates{pick(r.input, base.input), pick(r.output, base.output), pick(r.write5m, base.write5m), pick(r.write1h, base.write1h), pick(r.read, base.read)}
}

// settled fills the longer-lived cache writes from the shorter: a list that knows one rate means both.
func (r rates) settled() rates {
	if r.write1h == nil {
		r.write1h = r.write5m
	}
	return r
}

func value(m *budget.Micro) budget.Micro {
	if m == nil {
		return 0
	}
	return *m
}

// row is the row of these rates.
func (r rates) row() budget.Row {
	return budget.Row{Input: value(r.input), Output: value(r.output), CacheWrite5m: value(r.write5m), CacheWrite1h: value(r.write1h), CacheRead: value(r.read)}
}

// band is the long-prompt band of these rates.
func (r rates) band(above int64) *budget.LongBand {
	return &budget.LongBand{Above: above, Input: value(r.input), Output: value(r.output), CacheWrite5m: value(r.write5m), CacheWrite1h: value(r.write1h), CacheRead: value(r.read)}
}
