package offline

import (
	"slices"
	"time"

	"github.com/seed-c331f47d/builder/internal/agent/offline/conversation"
)

// ModelID is the id the offline model goes by when it does not answer as another.
const ModelID = "offline"

// Options say how the offline model answers. The zero value answers at once, as [ModelID], to
// anybody who can reach it.
type Options struct {
	// As is another model id that it answers to and as, so that its answers are priced as that
	// model's; [ModelID] goes on being answered as itself.
	As string
	// Also are further ids that it answers to, for builds in which several models have a part.
	Also []string
	// Any answers to and as every model id.
	Any bool
	// Key, when set, must come with every request but HEAD /, as x-api-key or as Bearer.
	Key string
	// Latency is waited before every answer to a message.
	Latency time.Duration
	// TokensPerSecond paces streamed answers; 0 means as fast as they are read.
	TokensPerSecond float64
	// MaxBody is the most bytes of a request's body; 0 means 32 MiB.
	MaxBody int64
	// Cache accounts for cache_control marks as a provider's prompt cache would (see cache.go).
	// The usage of a request then depends on those before it; without it all input counts as plain.
	Cache bool
	// Now is the clock of the prompt cache; nil means time.Now. Nothing else reads a clock.
	Now func() time.Time
	// Author derives programs from specs; nil means the rules that Builder ships.
	Author conversation.Author
}

// filled is o with its defaults.
func (o Options) filled() Options {
	if o.MaxBody <= 0 {
		o.MaxBody = 32 << 20
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Author == nil {
		o.Author = byRule
	}
	return o
}

// answers says whether an id is answered to.
func (o Options) answers(id string) bool {
	return o.Any && id != "" || slices.Contains(o.models(), id)
}

// models lists the ids that are answered.
func (o Options) models() []string {
	var ids []string
	for _, id := range append(append([]string{o.As}, o.Also...), ModelID) {
		if id != "" && !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	return ids
}
