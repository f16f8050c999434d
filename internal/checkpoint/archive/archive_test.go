package archive_test

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"

	"github.com/seed-c331f47d/builder/internal/checkpoint"
	"github.com/seed-c331f47d/builder/internal/checkpoint/archive"
)

// journalOf is a journal of some records.
func journalOf(t testing.TB, payloads ...string) checkpoint.Journal {
	t.Helper()
	j := &checkpoint.Memory{}
	for i, p := range payloads {
		if _, err := j.Append(t.Context(), uint64(i), []checkpoint.Record{{Kind: "k", Time: time.Unix(int64(i), 5), Payload: json.RawMessage(p)}}); err != nil {
			t.Fatal(err)
		}
	}
	return j
}

// written is a small archive.
func written(t testing.TB) []byte {
	t.Helper()
	var file, records bytes.Buffer
	n, err := archive.WriteRecords(t.Context(), journalOf(t, `{"a":1}`, `{"b":"<x>\u2028"}`), &records)
	if err != nil {
		t.Fatal(err)
	}
	w, err := archive.NewWriter(&file)
	if err != nil {
		t.Fatal(err)
	}
	content := []byte("content")
	for name, raw := range map[string][]byte{archive.JournalName: records.Bytes()} {
		if err := w.AddBytes(name, raw); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{archive.BlobName(checkpoint.HashOf(content)), archive.SpoolName("b~t~1~1.1"), archive.ObjectName("blob", strings.Repeat("a", 40)), archive.SpecName} {
		if err := w.AddBytes(name, content); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(archive.Manifest{Build: "b-1", Records: n, Refs: map[string]string{"refs/heads/main": strings.Repeat("a", 40)}}); err != nil {
		t.Fatal(err)
	}
	return file.Bytes()
}

// read gives all entries by name.
func read(raw []byte, l archive.Limits) (archive.Manifest, map[string]string, error) {
	got := map[string]string{}
	m, err := archive.Read(bytes.NewReader(raw), l, func(n archive.Name, size int64, r io.Reader) error {
		content, err := io.ReadAll(r)
		got[string(n.Kind)+" "+n.Type+" "+n.ID] = string(content)
		return err
	})
	return m, got, err
}

// What was written comes back, record by record and byte by byte.
func TestRoundTrip(t *testing.T) {
	t.Parallel()
	raw := written(t)
	m, got, err := read(raw, archive.Limits{})
	if err != nil || m.Build != "b-1" || m.Records != 2 || len(m.Entries) != 5 || len(got) != 5 || m.Refs["refs/heads/main"] == "" {
		t.Fatalf("%v, %+v, %v", err, m, slices.Collect(maps.Keys(got)))
	}
	recs, err := archive.ReadRecords(strings.NewReader(got["journal  "]))
	if err != nil || len(recs) != 2 || string(recs[1].Payload) != `{"b":"<x>\u2028"}` || !recs[1].Time.Equal(time.Unix(1, 5)) {
		t.Errorf("%v, %+v", err, recs)
	}
	// An entry that is not read to its end is held against the manifest all the same.
	if _, err := archive.Read(bytes.NewReader(raw), archive.Limits{}, func(archive.Name, int64, io.Reader) error { return nil }); err != nil {
		t.Error(err)
	}
	stop := errors.New("stop")
	if _, err := archive.Read(bytes.NewReader(raw), archive.Limits{}, func(archive.Name, int64, io.Reader) error { return stop }); !errors.Is(err, stop) {
		t.Errorf("got %v", err)
	}
}

// Whatever is larger or more than it may be is refused before it is given away.
func TestLimits(t *testing.T) {
	t.Parallel()
	for name, l := range map[string]archive.Limits{"entries": {Entries: 2}, "entry": {Entry: 6}, "total": {Total: 300}} {
		if _, _, err := read(written(t), l); !errors.Is(err, checkpoint.ErrCorrupt) {
			t.Errorf("%s: %v", name, err)
		}
	}
	var bomb bytes.Buffer // a gigabyte of zeros in a few bytes
	zip, err := zstd.NewWriter(&bomb)
	if err != nil {
		t.Fatal(err)
	}
	w := tar.NewWriter(zip)
	if err := w.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: archive.JournalName, Size: 1<<30 + 1}); err != nil {
		t.Fatal(err)
	}
	if err := zip.Close(); err != nil {
		t.Fatal(err)
	}
	if _, got, err := read(bomb.Bytes(), archive.Limits{}); !errors.Is(err, checkpoint.ErrCorrupt) || len(got) != 0 {
		t.Errorf("%v, %d entries", err, len(got))
	}
}

// What stands behind the end of an archive, packed or not, is told: a download that went wrong is no archive.
func TestNothingBehindTheEnd(t *testing.T) {
	t.Parallel()
	var more bytes.Buffer
	zip, err := zstd.NewWriter(&more)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := zip.Write([]byte("more")); err != nil {
		t.Fatal(err)
	}
	if err := zip.Close(); err != nil {
		t.Fatal(err)
	}
	for _, tail := range []string{"rubbish", "\n", more.String(), string(written(t))} {
		if _, _, err := read(append(written(t), tail...), archive.Limits{}); !errors.Is(err, checkpoint.ErrCorrupt) {
			t.Errorf("with %.10q behind it: %v", tail, err)
		}
	}
}

// Every bit that is changed, and every place at which a file is cut, shows.
func TestEveryByteCounts(t *testing.T) {
	t.Parallel()
	raw := written(t)
	for i := range raw {
		if _, _, err := read(raw[:i], archive.Limits{}); err == nil {
			t.Fatalf("cut at %d of %d it is read", i, len(raw))
		}
	}
	whole, want, err := read(raw, archive.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	for i := range raw {
		flipped := bytes.Clone(raw)
		flipped[i] ^= 1 << (i % 8)
		m, got, err := read(flipped, archive.Limits{})
		if err == nil && (!maps.Equal(got, want) || m.Build != whole.Build || m.Records != whole.Records) {
			t.Fatalf("byte %d changed, and it is read as something else", i)
		}
	}
}

func TestNames(t *testing.T) {
	t.Parallel()
	h := strings.Repeat("a", 64)
	for name, good := range map[string]bool{
		"journal.ndjson": true, "spec.md": true, "blobs/" + h: true, "spools/b-1~t~1~2.1": true, "git/tag/" + h[:40]: true,
		"": false, "/etc/passwd": false, "../x": false, "blobs/../x": false, "blobs/" + h + "/x": false, "blobs/" + strings.ToUpper(h): false, "spools/": false, "spools/a/b": false,
		"spools/.x": false, "git/config": false, "git/hooks/x": false, "git/blob/" + h: false, "git/tree/../../x": false, "manifest.json/x": false, "blobs\\" + h: false,
	} {
		if _, err := archive.ParseName(name); (err == nil) != good {
			t.Errorf("%q: %v", name, err)
		}
	}
}

// What is read as records is what Seal makes of them, and nothing else is.
func TestRecordsRefuse(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	if _, err := archive.WriteRecords(t.Context(), journalOf(t, `{"a":1}`, `{"b":2}`), &b); err != nil {
		t.Fatal(err)
	}
	lines := strings.SplitAfter(b.String(), "\n")
	for name, text := range map[string]string{
		"gap": lines[1], "twice": lines[0] + lines[0], "altered": strings.Replace(b.String(), `"a":1`, `"a":2`, 1),
		"cut": b.String()[:b.Len()-3], "rubbish": b.String() + "x", "time": strings.Replace(b.String(), "1970", "1971", 1),
	} {
		if recs, err := archive.ReadRecords(strings.NewReader(text)); !errors.Is(err, checkpoint.ErrCorrupt) {
			t.Errorf("%s: %d records, %v", name, len(recs), err)
		}
	}
	newer := strings.Replace(lines[0], `"schema":2`, `"schema":9`, 1)
	if _, err := archive.ReadRecords(strings.NewReader(newer)); err == nil {
		t.Error("a schema that does not fit its checksum is read")
	}
}

// The importer's reader, on any bytes: it ends, gives no name that is a path, keeps its limits, and
// calls nothing whole that does not fit its manifest. Half of the inputs are put under zstd and half
// of those into a tar, so that the fuzzer gets past both.
func FuzzRead(f *testing.F) {
	raw := written(f)
	f.Add(byte(0), raw)
	zip, err := zstd.NewReader(bytes.NewReader(raw))
	if err != nil {
		f.Fatal(err)
	}
	plain, err := io.ReadAll(zip)
	if err != nil {
		f.Fatal(err)
	}
	zip.Close()
	f.Add(byte(1), plain)
	f.Add(byte(2), []byte("journal.ndjson\n{}\nspools/../x\nabc\nmanifest.json\n{\"format\":\"builder-checkpoint\",\"version\":1}"))
	enc, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithEncoderLevel(zstd.SpeedFastest))
	if err != nil {
		f.Fatal(err)
	}
	l := archive.Limits{Entries: 64, Entry: 1 << 16, Total: 1 << 18}
	f.Fuzz(func(t *testing.T, how byte, raw []byte) {
		if how%4 >= 2 {
			raw = tarOf(t, raw)
		}
		if how%4 >= 1 {
			raw = enc.EncodeAll(raw, nil)
		}
		entries, total := 0, int64(0)
		m, err := archive.Read(bytes.NewReader(raw), l, func(n archive.Name, size int64, r io.Reader) error {
			entries++
			if strings.ContainsAny(n.ID, "/\\\x00") || strings.HasPrefix(n.ID, ".") {
				t.Fatalf("a name that chooses a place: %+v", n)
			}
			content, err := io.ReadAll(r)
			if total += int64(len(content)); total > l.Total || int64(len(content)) > size || entries > l.Entries {
				t.Fatalf("%d entries, %d bytes", entries, total)
			}
			if n.Kind == archive.Journal {
				_, rerr := archive.ReadRecords(bytes.NewReader(content))
				_ = rerr // it must end
			}
			return err
		})
		if err == nil && (m.Version != archive.Version || len(m.Entries) != entries) {
			t.Fatalf("%d entries are called whole by %+v", entries, m)
		}
		if err != nil && !errors.Is(err, checkpoint.ErrCorrupt) && !errors.Is(err, checkpoint.ErrNewer) {
			t.Fatalf("got %v", err)
		}
	})
}

// tarOf makes a tar of lines that are names and contents in turn.
func tarOf(t *testing.T, raw []byte) []byte {
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	lines := bytes.Split(raw, []byte("\n"))
	for i := 0; i+1 < len(lines); i += 2 {
		h := &tar.Header{Typeflag: tar.TypeReg, Name: string(lines[i]), Size: int64(len(lines[i+1]))}
		if w.WriteHeader(h) != nil {
			continue // no name that a tar can hold
		}
		if _, err := w.Write(lines[i+1]); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}
