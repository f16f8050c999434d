package budget

import "time"

// Price is one dated row of the table. Rates are micro-dollars per million tokens, so 1 USD per
// million tokens is 1_000_000. A row without Source is the user's own.
type Price struct {
	Model        string    `json:"model"` // exact id
	ValidFrom    time.Time `json:"valid_from"`
	Input        Micro     `json:"input"`
	Output       Micro     `json:"output"`
	CacheWrite5m Micro     `json:"cache_write_5m"`
	CacheWrite1h Micro     `json:"cache_write_1h"`
	CacheRead    Micro     `json:"cache_read"`
	Long         *LongBand `json:"long_prompt,omitempty"` // above it, all tokens of the request are priced so
	WebSearch    Micro     `json:"web_search,omitempty"`  // per request
	Batch        float64   `json:"batch,omitempty"`       // factor of batch calls, 0.5
	Window       int64     `json:"window"`                // most input tokens; 0 unknown
	MaxOutput    int64     `json:"max_output"`
	Source       string    `json:"source,omitempty"`
	CheckedOn    string    `json:"checked_on,omitempty"` // date, 2006-01-02
}

// LongBand prices requests whose input (all classes) exceeds Above tokens.
type LongBand struct {
	Above        int64 `json:"above"`
	Input        Micro `json:"input"`
	Output       Micro `json:"output"`
	CacheWrite5m Micro `json:"cache_write_5m"`
	CacheWrite1h Micro `json:"cache_write_1h"`
	CacheRead    Micro `json:"cache_read"`
}
