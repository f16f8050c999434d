package phases

import (
	"cmp"
	"slices"
)

// OrderStatus is one order at a glance.
type OrderStatus struct {
	ID string `json:"id"`
	Given
}

// shownOrders is how many orders a status lists.
const shownOrders = 20

// ordersOf lists the newest orders, oldest first.
func ordersOf(s *State) []OrderStatus {
	all := make([]OrderStatus, 0, len(s.Orders))
	for id, g := range s.Orders {
		all = append(all, OrderStatus{ID: id, Given: g})
	}
	slices.SortFunc(all, func(a, b OrderStatus) int { return cmp.Compare(a.Seq, b.Seq) })
	return all[max(0, len(all)-shownOrders):]
}
