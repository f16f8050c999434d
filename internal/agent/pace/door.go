package pace

import "time"

// door says when sends may go and how many at a time. The zero value is wide open.
type door struct {
	until   time.Time
	why     string
	width   int // most in flight; 0: any number
	epoch   int // how often it was closed
	strikes int // rate limits in a row
	flying  int // sends under way that went through since it was closed last
}

// wide is the width from which on any number may go.
const wide = 64

// close lets nothing through until then, and one at a time from then on.
func (d *door) close(until time.Time, why string) {
	if until.After(d.until) {
		d.until, d.why = until, why
	}
	d.width, d.flying = 1, 0
	d.epoch++
}

// shut closes the door because of a send that went through in epoch. Of those that were under way
// together only the first closes it; the others can only make it later.
func (d *door) shut(epoch int, until time.Time, why string) {
	if epoch == d.epoch {
		d.close(until, why)
		return
	}
	if until.After(d.until) {
		d.until, d.why = until, why
	}
}

// widen lets one more through after an answer to a send that went through since the door was closed
// last: twice as many after each round.
func (d *door) widen(epoch int) {
	if epoch != d.epoch {
		return
	}
	d.strikes = 0
	if d.width > 0 {
		d.width++
	}
	if d.width >= wide {
		d.width = 0
	}
}
