package gen

import "github.com/seed-c331f47d/builder/internal/agent/offline/blueprint"

// MannerOf infers from the acceptance examples of bp how answers look.
func MannerOf(bp *blueprint.Blueprint) Manner {
	return DefaultManner()
}
