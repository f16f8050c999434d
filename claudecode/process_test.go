package claudecode_test

// host is a program that starts a session and waits to be killed.
func host() {}
