package progress

import "github.com/seed-c331f47d/builder/internal/budget"

// Billed writes a figure of a build for people, and calls it what it is: a list price is no spending.
func Billed(b budget.Billing, m budget.Micro) string {
	if b == budget.Subscription {
		return USD(m) + " at list price"
	}
	return USD(m)
}

// Noun is what the figures of a build are, in a word.
func Noun(b budget.Billing) string {
	if b == budget.Subscription {
		return "at list price"
	}
	return "spent"
}

// Explain says what the figures of a build mean, where they are not plain spending; else "".
func Explain(b budget.Billing) string {
	switch b {
	case budget.Subscription:
		return "Calls are covered by a subscription: figures are list prices, not spending; what is left of the quota is the provider's to tell"
	case budget.Local:
		return "Calls cost nothing, by the user's own word or on the offline model"
	}
	return ""
}
