package claudecode

// Find says whether a CLI can be had: by path or by a name on PATH, "" for claude; path is where the
// interpreter of a script is looked for. The error is a *[NotFoundError].
func Find(cli, path string) error {
	_, err := find(cli, path)
	return err
}
