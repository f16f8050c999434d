package sandbox

// NewTempAt is NewTemp that calls at after each step: "made", "opened", "locked".
func NewTempAt(kind string, at func(step string)) (*Temp, error) { return maker{at: at}.make(kind) }
