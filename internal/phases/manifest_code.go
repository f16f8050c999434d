package phases

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/seed-c331f47d/builder/internal/checkpoint"
)

// The format is one JSON object a line without blanks, HTML not escaped: path, mode (octal, as git
// prints it), blob, size, in this order. It is what encoding/json makes of such a struct. It is written and read by hand because every change of a tree
// passes here; a path that JSON spells otherwise than plainly goes the long way.

// Encode renders m as one JSON object a line. Equal manifests give equal bytes. m must be valid:
// an entry whose path is not UTF-8 would not come back the same.
func (m Manifest) Encode() []byte {
	b := make([]byte, 0, len(m)*128)
	for _, e := range m {
		b = append(b, `{"path":`...)
		b = appendPath(b, e.Path)
		b = append(b, `,"mode":"`...)
		b = appendMode(b, e.Mode)
		b = append(b, `","blob":"`...)
		b = append(b, e.Blob...)
		b = append(b, `","size":`...)
		b = strconv.AppendInt(b, e.Size, 10)
		b = append(b, "}\n"...)
	}
	return b
}

// appendMode writes a mode as six octal digits.
func appendMode(b []byte, mode uint32) []byte {
	for at := 15; at >= 0; at -= 3 {
		b = append(b, '0'+byte(mode>>at&7))
	}
	return b
}

func appendPath(b []byte, path string) []byte {
	if plain(path) {
		return append(append(append(b, '"'), path...), '"')
	}
	var quoted bytes.Buffer
	enc := json.NewEncoder(&quoted)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(path); err != nil {
		panic(err) // strings into memory always encode
	}
	return append(b, bytes.TrimSuffix(quoted.Bytes(), []byte{'\n'})...)
}

// plain says that JSON writes a text as it is.
func plain(s string) bool {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' || c == '"' || c == '\\' {
			return false
		}
	}
	return true
}

// ID identifies the tree: the SHA-256 of its encoding, and so the name of the encoding as a blob.
func (m Manifest) ID() checkpoint.Hash {
	sum := sha256.Sum256(m.Encode())
	return checkpoint.Hash(hex.EncodeToString(sum[:]))
}

// DecodeManifest reads what Encode wrote. Anything else, also another spelling of the same entries
// or a manifest that is not valid, is ErrCorrupt of package checkpoint.
func DecodeManifest(raw []byte) (Manifest, error) {
	m := make(Manifest, 0, bytes.Count(raw, []byte{'\n'}))
	for rest := string(raw); rest != ""; {
		text, more, ended := strings.Cut(rest, "\n")
		e, err := decodeEntry(text)
		if err != nil || !ended {
			return nil, fmt.Errorf("decode manifest: %w: line %d: not in its one spelling", checkpoint.ErrCorrupt, len(m)+1)
		}
		m, rest = append(m, e), more
	}
	if err := m.Validate(); err != nil {
		return nil, fmt.Errorf("decode manifest: %w: %w", checkpoint.ErrCorrupt, err)
	}
	if !bytes.Equal(m.Encode(), raw) {
		return nil, fmt.Errorf("decode manifest: %w: not in its one spelling", checkpoint.ErrCorrupt)
	}
	if len(m) == 0 {
		return nil, nil
	}
	return m, nil
}

// decodeEntry reads a line. That each part is spelled in the one way is for whoever encodes it again.
func decodeEntry(text string) (Entry, error) {
	text, ok1 := strings.CutPrefix(text, `{"path":`)
	// A quoted text of JSON holds no bare quote, so the last of these is the one between the fields.
	at := strings.LastIndex(text, `,"mode":"`)
	if !ok1 || at < 2 {
		return Entry{}, checkpoint.ErrCorrupt
	}
	path, err := decodePath(text[:at])
	if err != nil {
		return Entry{}, err
	}
	mode, rest, ok2 := strings.Cut(text[at+len(`,"mode":"`):], `","blob":"`)
	blob, size, ok3 := strings.Cut(rest, `","size":`)
	size, ok4 := strings.CutSuffix(size, "}")
	if !ok2 || !ok3 || !ok4 {
		return Entry{}, checkpoint.ErrCorrupt
	}
	bits, err := strconv.ParseUint(mode, 8, 32)
	if err != nil {
		return Entry{}, err
	}
	n, err := strconv.ParseInt(size, 10, 64)
	return Entry{Path: path, Mode: uint32(bits), Blob: checkpoint.Hash(blob), Size: n}, err
}

func decodePath(quoted string) (string, error) {
	if len(quoted) < 2 || quoted[0] != '"' || quoted[len(quoted)-1] != '"' {
		return "", checkpoint.ErrCorrupt
	}
	if inner := quoted[1 : len(quoted)-1]; plain(inner) {
		return inner, nil
	}
	var path string
	err := json.Unmarshal([]byte(quoted), &path)
	return path, err
}
