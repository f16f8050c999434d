package phases

import (
	"context"
	"fmt"
	"maps"
	"reflect"
	"slices"

	"github.com/seed-c331f47d/builder/internal/checkpoint"
)

// BlobsOf lists the blobs that a fact names: its fields of type [checkpoint.Hash], however deep, and
// the two that rooms without blobs write as texts. A new kind of record needs no line here.
func BlobsOf(f Fact) []checkpoint.Hash {
	var out []checkpoint.Hash
	switch f := f.(type) {
	case CallIntended:
		out = append(out, checkpoint.Hash(f.Hold.RequestBlob))
	case CallAnswered:
		out = append(out, checkpoint.Hash(f.Answer))
	}
	hashesIn(reflect.ValueOf(f), &out)
	return slices.DeleteFunc(out, func(h checkpoint.Hash) bool { return h == "" })
}

// hashesIn gathers the hashes in a value, in the order of its fields.
func hashesIn(v reflect.Value, into *[]checkpoint.Hash) {
	if v.IsValid() && v.Type() == reflect.TypeFor[checkpoint.Hash]() {
		*into = append(*into, checkpoint.Hash(v.String()))
		return
	}
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		if !v.IsNil() {
			hashesIn(v.Elem(), into)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				hashesIn(v.Field(i), into)
			}
		}
	case reflect.Slice, reflect.Array:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			return
		}
		for i := range v.Len() {
			hashesIn(v.Index(i), into)
		}
	case reflect.Map:
		for it := v.MapRange(); it.Next(); {
			hashesIn(it.Value(), into)
		}
	}
}

// Reach reads the blobs that records name, and those that manifests among them list. It tells visit
// of each once, in the order of their hashes, those that records name first; err says why one cannot
// be read. It ends with the first error of visit.
func Reach(ctx context.Context, blobs checkpoint.Blobs, named []checkpoint.Hash, visit func(h checkpoint.Hash, content []byte, err error) error) error {
	first, listed := map[checkpoint.Hash]bool{}, map[checkpoint.Hash]bool{}
	for _, h := range named {
		first[h] = true
	}
	for _, h := range slices.Sorted(maps.Keys(first)) {
		content, err := blobs.Get(ctx, h)
		if err == nil {
			if m, derr := DecodeManifest(content); derr == nil {
				for _, e := range m {
					listed[e.Blob] = true
				}
			}
		}
		if err := visit(h, content, err); err != nil {
			return err
		}
	}
	for _, h := range slices.Sorted(maps.Keys(listed)) {
		if first[h] {
			continue
		}
		content, err := blobs.Get(ctx, h)
		if err != nil {
			err = fmt.Errorf("a file of a recorded tree: %w", err)
		}
		if err := visit(h, content, err); err != nil {
			return err
		}
	}
	return ctx.Err()
}
