package projection

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/seed-c331f47d/builder/internal/faultpoint"
)

// WriteStatus puts content at path in place of what was there: a reader sees the old or the new,
// never a part. It is not synced; power loss may bring the old one back.
func WriteStatus(path string, content []byte) error {
	temp := filepath.Join(filepath.Dir(path), "."+filepath.Base(path)+".tmp")
	err := faultpoint.At("status.write")
	if err == nil {
		err = os.WriteFile(temp, content, 0o600)
	}
	if err == nil {
		err = os.Rename(temp, path)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("write status: %w", err), os.RemoveAll(temp))
	}
	return nil
}
