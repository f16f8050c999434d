package budget

// Usage counts billed tokens of one call by class; Input excludes the cached classes.
type Usage struct {
	Input        int64 `json:"input"`
	CacheWrite5m int64 `json:"cache_write_5m"`
	CacheWrite1h int64 `json:"cache_write_1h"`
	CacheRead    int64 `json:"cache_read"`
	Output       int64 `json:"output"`
	WebSearches  int64 `json:"web_searches,omitempty"`
}

// InputAll is every input token, cached or not.
func (u Usage) InputAll() int64 { return u.Input + u.CacheWrite5m + u.CacheWrite1h + u.CacheRead }

// Tokens is what counts against a cap on tokens: all classes, unweighted.
func (u Usage) Tokens() int64 { return u.InputAll() + u.Output }

// Add returns the sum of u and v.
func (u Usage) Add(v Usage) Usage {
	return Usage{
		Input: u.Input + v.Input, CacheWrite5m: u.CacheWrite5m + v.CacheWrite5m,
		CacheWrite1h: u.CacheWrite1h + v.CacheWrite1h, CacheRead: u.CacheRead + v.CacheRead,
		Output: u.Output + v.Output, WebSearches: u.WebSearches + v.WebSearches,
	}
}
