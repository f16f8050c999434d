//go:build !unix

package agenttest

import "errors"

func mkfifo(string) error { return errors.ErrUnsupported }
