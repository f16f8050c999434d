package pace

import (
	"math/bits"
	"time"
)

// outage counts failures of a provider, whoever met them.
type outage struct {
	row    int       // failures in a row
	last   uint32    // the last sends, newest in bit 0; 1 is a failure
	open   bool      // an outage is on
	probes int       // failed sends since it is on
	since  time.Time // of the first send without an answer since the last with one
	heard  bool      // the provider has answered this process
}

const (
	rowOfFailures = 5
	lastSends     = 20
)

// answered ends an outage.
func (o *outage) answered() {
	last := o.last << 1
	if o.open {
		last = 0
	}
	*o = outage{last: last, heard: true}
}

// missed notes that a send had no answer.
func (o *outage) missed(now time.Time) {
	if o.since.IsZero() {
		o.since = now
	}
}

// failed notes a failure and says whether there is an outage. A failure of a send that was under way
// when the outage was found is no probe.
func (o *outage) failed(now time.Time, fresh bool) bool {
	o.missed(now)
	o.row++
	o.last = o.last<<1 | 1
	if o.open {
		if fresh {
			o.probes++
		}
		return true
	}
	recent := bits.OnesCount32(o.last & (1<<lastSends - 1))
	if o.row >= rowOfFailures || recent > lastSends/2 {
		o.open, o.probes = true, 1
	}
	return o.open
}

// probe is how long after the newest failure the next probe goes.
func (o *outage) probe() time.Duration {
	steps := []time.Duration{30 * time.Second, time.Minute, 2 * time.Minute, 5 * time.Minute, 10 * time.Minute}
	return steps[min(max(o.probes, 1), len(steps))-1]
}
