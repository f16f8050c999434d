package projection

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/seed-c331f47d/builder/internal/checkpoint"
)

// Recall reads back the records that an events file tells of, for a build whose journal is lost: those
// whose line fits the record's checksum, in the order of the lines. Others are passed over. No file
// means no records.
func Recall(path string) (envs []checkpoint.Envelope, err error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("recall events: %w", err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	lines := bufio.NewReaderSize(f, 1<<16)
	for {
		raw, err := lines.ReadBytes('\n')
		if env, ok := recalled(raw); ok {
			envs = append(envs, env)
		}
		if errors.Is(err, io.EOF) {
			return envs, nil
		}
		if err != nil {
			return envs, fmt.Errorf("recall events: %w", err)
		}
	}
}

func recalled(raw []byte) (checkpoint.Envelope, bool) {
	var e Event
	if json.Unmarshal(raw, &e) != nil {
		return checkpoint.Envelope{}, false
	}
	for schema := checkpoint.Schema; schema > 0 && e.Seq > 0; schema-- { // a line does not tell; its sum does
		env := checkpoint.Envelope{Seq: e.Seq, Schema: schema, Kind: e.Kind, Time: e.Time, CRC32C: e.CRC32C, Payload: e.Payload}
		if env.Verify(e.Seq) == nil {
			return env, true
		}
	}
	return checkpoint.Envelope{}, false
}
