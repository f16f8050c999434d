package budget

// Kept is what the records know of one call of an attempt that is still open.
type Kept struct {
	Op          Op
	RequestHash string
	Fate        Fate   // "" while it is in flight
	Answer      string // blob of the body
	ContentType string
	Delivered   bool // the answer was handed to whoever asked, to its end
}
