package budget

// Billing says what figures of money mean in a build.
type Billing string

// The ways of being billed. The cap holds the figures in all of them.
const (
	APIUSD       Billing = "api-usd"      // by the token, in US dollars: figures are spending
	Subscription Billing = "subscription" // by a quota: figures are list prices, nobody is billed for them
	Local        Billing = "local"        // on the user's own word that calls cost nothing
)

// Or is b, or other where b is not set: records of older builders have none.
func (b Billing) Or(other Billing) Billing {
	if b == "" {
		return other
	}
	return b
}

// Spends says whether figures are spending.
func (b Billing) Spends() bool { return b.Or(APIUSD) == APIUSD }
