package budget

import "math"

// rates are the prices of one band, micro-dollars per million tokens.
type rates struct{ input, output, write5m, write1h, read Micro }

func (p Price) base() rates {
	return rates{p.Input, p.Output, p.CacheWrite5m, p.CacheWrite1h, p.CacheRead}
}

func (p Price) long() rates {
	return rates{p.Long.Input, p.Long.Output, p.Long.CacheWrite5m, p.Long.CacheWrite1h, p.Long.CacheRead}
}

// Cost is what a call of that usage costs, rounded up once per call. A request whose input, all
// classes together, is above the long-prompt band's threshold is priced by that band, output
// included. It is the largest Micro when it does not fit; negative counts are taken as 0.
func (p Price) Cost(u Usage) Micro {
	r := p.base()
	if p.Long != nil && u.InputAll() > p.Long.Above {
		r = p.long()
	}
	var s sum128
	s.add(u.Input, r.input)
	s.add(u.CacheWrite5m, r.write5m)
	s.add(u.CacheWrite1h, r.write1h)
	s.add(u.CacheRead, r.read)
	s.add(u.Output, r.output)
	return Micro(add(int64(s.perMillion()), int64(p.searches(u.WebSearches))))
}

// Worst is the most that a call can cost with at most input tokens of any class that use allows, at
// most output tokens, and at most searches. Where the long-prompt band may or may not be reached,
// the dearer of both rates counts, class by class.
func (p Price) Worst(input, output int64, use CacheUse, searches int64) Micro {
	in, out := p.base().dearest(use), p.Output
	if p.Long != nil && input > p.Long.Above {
		in, out = max(in, p.long().dearest(use)), max(out, p.Long.Output)
	}
	var s sum128
	s.add(input, in)
	s.add(output, out)
	return Micro(add(int64(s.perMillion()), int64(p.searches(searches))))
}

// dearest is the highest rate that an input token can be billed at.
func (r rates) dearest(use CacheUse) Micro {
	in := max(r.input, r.read)
	if use == CacheNone {
		return in
	}
	if in = max(in, r.write5m); use == Cache5m {
		return in
	}
	return max(in, r.write1h)
}

func (p Price) searches(n int64) Micro {
	if n <= 0 || p.WebSearch <= 0 {
		return 0
	}
	if int64(p.WebSearch) > math.MaxInt64/n {
		return math.MaxInt64
	}
	return p.WebSearch * Micro(n)
}
