package budget

import (
	"errors"
	"fmt"
	"math"
	"math/bits"
	"strings"
)

// Micro is money in millionths of a US dollar. Costs are rounded up, caps down.
type Micro int64

// Dollar is one US dollar.
const Dollar Micro = 1_000_000

// ErrMoney means that a text is not an amount of money.
var ErrMoney = errors.New("not an amount in US dollars")

// String writes m as people read it, with two to six decimals: "$10.00", "$0.000125".
func (m Micro) String() string {
	sign, u := "", uint64(m)
	if m < 0 {
		sign, u = "-", -u
	}
	frac := fmt.Sprintf("%06d", u%uint64(Dollar))
	for len(frac) > 2 && strings.HasSuffix(frac, "0") {
		frac = frac[:len(frac)-1]
	}
	return fmt.Sprintf("%s$%d.%s", sign, u/uint64(Dollar), frac)
}

// ParseUSD reads an amount such as "10", "0.05", "$3" or "2.5e1". More than six decimals are rounded
// down, as fits a cap. Everything else is ErrMoney: signs, NaN, infinities, text, hexadecimal,
// fractions, and amounts above what Micro can hold.
func ParseUSD(s string) (Micro, error) {
	digits, scale, ok := decimal(strings.TrimPrefix(strings.TrimSpace(s), "$"))
	if !ok {
		return 0, fmt.Errorf("read amount %q: %w", clip(s), ErrMoney)
	}
	m, ok := shift(digits, scale+6)
	if !ok {
		return 0, fmt.Errorf("read amount %q: too large: %w", clip(s), ErrMoney)
	}
	return m, nil
}

// decimal splits digits[.digits][e[+-]digits] into its digits, without leading zeros, and the power
// of ten they are multiplied by.
func decimal(s string) (digits string, scale int, ok bool) {
	mantissa, exponent, hasExp := strings.Cut(strings.ToLower(s), "e")
	if hasExp {
		sign := 1
		if strings.HasPrefix(exponent, "+") || strings.HasPrefix(exponent, "-") {
			if exponent[0] == '-' {
				sign = -1
			}
			exponent = exponent[1:]
		}
		if !allDigits(exponent) || len(exponent) > 4 {
			return "", 0, false
		}
		for _, c := range exponent {
			scale = scale*10 + int(c-'0')
		}
		scale *= sign
	}
	whole, frac, _ := strings.Cut(mantissa, ".")
	if !allDigits(whole+frac) || len(mantissa) > 64 {
		return "", 0, false
	}
	return strings.TrimLeft(whole+frac, "0"), scale - len(frac), true
}

// shift is digits times ten to the power of scale, rounded down; not ok when it does not fit.
func shift(digits string, scale int) (Micro, bool) {
	if cut := len(digits) + scale; scale < 0 {
		digits, scale = digits[:max(cut, 0)], 0
	}
	var n int64
	for i := 0; i < len(digits)+scale; i++ {
		d := int64(0)
		if i < len(digits) {
			d = int64(digits[i] - '0')
		}
		if n > (math.MaxInt64-d)/10 {
			return 0, false
		}
		n = n*10 + d
		if n == 0 && i >= len(digits) {
			return 0, true
		}
	}
	return Micro(n), true
}

func allDigits(s string) bool {
	for _, c := range s {
		if c < '0' || c > '9' {
			return false
		}
	}
	return s != ""
}

// clip keeps foreign text in messages short.
func clip(s string) string {
	if len(s) > 40 {
		return s[:40] + "..."
	}
	return s
}

// add is a+b, or the largest int64 when that overflows. Both MUST be at least 0.
func add(a, b int64) int64 {
	if a > math.MaxInt64-b {
		return math.MaxInt64
	}
	return a + b
}

// sum128 adds products of tokens and rates without overflow.
type sum128 struct{ hi, lo uint64 }

func (s *sum128) add(tokens int64, rate Micro) {
	hi, lo := bits.Mul64(uint64(max(tokens, 0)), uint64(max(rate, 0)))
	var carry uint64
	s.lo, carry = bits.Add64(s.lo, lo, 0)
	s.hi, _ = bits.Add64(s.hi, hi, carry) // 2 x 63 bits and a handful of terms: no overflow of 128
}

// perMillion is the sum divided by a million, rounded up; the largest Micro when it does not fit.
func (s sum128) perMillion() Micro {
	const million = 1_000_000
	if s.hi >= million {
		return math.MaxInt64
	}
	q, r := bits.Div64(s.hi, s.lo, million)
	if r > 0 {
		q++
	}
	if q > math.MaxInt64 {
		return math.MaxInt64
	}
	return Micro(q)
}
