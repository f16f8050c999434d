package claudecode

import "encoding/json"

// Result is the end of a turn. [Result.Err] says whether it is a good one; the exit code and IsError alone do not.
type Result struct {
	Header
	IsError           bool            `json:"is_error"`
	APIErrorStatus    int             `json:"api_error_status"` // HTTP status of the failed call; 0 for none
	Text              string          `json:"result"`
	Errors            stringList      `json:"errors"`
	StopReason        string          `json:"stop_reason"` // "" where the CLI says null: the answer is cut off
	TerminalReason    string          `json:"terminal_reason"`
	NumTurns          int             `json:"num_turns"` // 1 and one for each tool result, not calls
	DurationMillis    float64         `json:"duration_ms"`
	DurationAPIMillis float64         `json:"duration_api_ms"`
	TTFTMillis        float64         `json:"ttft_ms"`
	StructuredOutput  json.RawMessage `json:"structured_output"`
	// Usage is of this turn and the main conversation only.
	Usage Usage `json:"usage"`
	// TotalCostUSD and ModelUsage are sums over all turns of the process, subagents included; newer CLIs also carry on
	// what a resumed session has cost. They are the CLI's own computation. Take the latest, never add them up.
	TotalCostUSD      float64               `json:"total_cost_usd"`
	ModelUsage        map[string]ModelUsage `json:"modelUsage"`
	PermissionDenials []PermissionDenial    `json:"permission_denials"`
	DeferredToolUse   json.RawMessage       `json:"deferred_tool_use"`
	Origin            *Origin               `json:"origin"` // set where a background task woke the model
	// AssistantError is the error of the last [Assistant] of the turn. The session fills it in.
	AssistantError string `json:"-"`
}

// Usage counts tokens.
type Usage struct {
	InputTokens              int64         `json:"input_tokens"`
	OutputTokens             int64         `json:"output_tokens"`
	CacheCreationInputTokens int64         `json:"cache_creation_input_tokens"`
	CacheReadInputTokens     int64         `json:"cache_read_input_tokens"`
	CacheCreation            CacheCreation `json:"cache_creation"`
	ServerToolUse            ServerToolUse `json:"server_tool_use"`
	ServiceTier              string        `json:"service_tier"`
}

// CacheCreation splits what was written to the cache by how long it is kept.
type CacheCreation struct {
	Ephemeral5mInputTokens int64 `json:"ephemeral_5m_input_tokens"`
	Ephemeral1hInputTokens int64 `json:"ephemeral_1h_input_tokens"`
}

// ServerToolUse counts calls of tools that the API runs.
type ServerToolUse struct {
	WebSearchRequests int64 `json:"web_search_requests"`
	WebFetchRequests  int64 `json:"web_fetch_requests"`
}

// ModelUsage counts what one model did.
type ModelUsage struct {
	InputTokens              int64   `json:"inputTokens"`
	OutputTokens             int64   `json:"outputTokens"`
	CacheReadInputTokens     int64   `json:"cacheReadInputTokens"`
	CacheCreationInputTokens int64   `json:"cacheCreationInputTokens"`
	CacheCreation5mTokens    int64   `json:"cacheCreationEphemeral5mInputTokens"`
	CacheCreation1hTokens    int64   `json:"cacheCreationEphemeral1hInputTokens"`
	ThinkingTokens           int64   `json:"thinkingTokens"`
	WebSearchRequests        int64   `json:"webSearchRequests"`
	CostUSD                  float64 `json:"costUSD"`
	ContextWindow            int64   `json:"contextWindow"`
	MaxOutputTokens          int64   `json:"maxOutputTokens"`
	CanonicalModel           string  `json:"canonicalModel"`
	Provider                 string  `json:"provider"`
	CostBasis                string  `json:"costBasis"`
}

// PermissionDenial is a call that was not permitted.
type PermissionDenial struct {
	ToolName  string          `json:"tool_name"`
	ToolUseID string          `json:"tool_use_id"`
	ToolInput json.RawMessage `json:"tool_input"`
}

// stringList takes a list of strings and leaves out whatever is none.
type stringList []string

// UnmarshalJSON never fails: what it reads only explains.
func (l *stringList) UnmarshalJSON(raw []byte) error {
	*l = nil
	var items []json.RawMessage
	if json.Unmarshal(raw, &items) != nil {
		items = []json.RawMessage{raw}
	}
	for _, item := range items {
		var s string
		if json.Unmarshal(item, &s) == nil && s != "" {
			*l = append(*l, s)
		}
	}
	return nil
}
