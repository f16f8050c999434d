package main

// Applications that use cobra require this module, which only Windows needs: so `go mod download` and
// `go mod tidy` ask for it everywhere. As an import it is fetched into the module cache that they are
// served from, when Builder is built.
import _ "github.com/inconshreveable/mousetrap"
