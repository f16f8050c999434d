package meter

import "sync"

// lock is a mutual exclusion that is held while spools and ledger write. It is a channel, so that whoever
// waits for it counts as waiting in the fake time of testing/synctest, where simulations of crashes live.
type lock chan struct{}

var _ sync.Locker = lock(nil)

// Lock waits until nobody holds it.
func (l lock) Lock() { l <- struct{}{} }

// Unlock lets the next one in.
func (l lock) Unlock() { <-l }
