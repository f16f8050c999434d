package simtest

import "os"

// Where things stand on the simulated disk.
const (
	stateDir   = "/state"
	blobDir    = stateDir + "/blobs"
	spoolDir   = stateDir + "/spool"
	journalDir = stateDir + "/journal"
	gitDir     = "/app/.git"
	folder     = "/app"
)

const createAndCut = os.O_CREATE | os.O_WRONLY | os.O_TRUNC
