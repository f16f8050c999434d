package ballast

import (
	"io"
	"math/rand/v2"
	"os"
)

// fill writes bytes that no file system can make smaller.
func fill(f *os.File, size int64) error {
	_, err := io.CopyN(f, rand.NewChaCha8([32]byte{1}), size)
	return err
}
