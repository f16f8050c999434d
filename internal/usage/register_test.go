package usage

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

func TestRegisterKeepsTheNewestOfEachBuild(t *testing.T) {
	t.Parallel()
	r := Register{Dir: filepath.Join(t.TempDir(), "builds")}
	if all, err := r.List(); err != nil || len(all) != 0 {
		t.Fatalf("empty register: %v, %v", all, err)
	}
	at := time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC)
	for _, b := range []Build{{ID: "b-1", Started: at, Calls: 1}, {ID: "b-2", Started: at.Add(time.Hour)}, {ID: "b-1", Started: at, Calls: 7}} {
		if err := r.Put(b); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(r.Dir, "junk.json"), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	all, err := r.List()
	if err != nil || len(all) != 2 || all[0].ID != "b-2" || all[1].Calls != 7 {
		t.Fatalf("got %+v, %v", all, err)
	}
	if b, ok := r.Get("b-1"); !ok || b.Version != Version {
		t.Errorf("got %+v, %v", b, ok)
	}
}

func TestRegisterRefusesIDsThatLeaveIt(t *testing.T) {
	t.Parallel()
	r := Register{Dir: t.TempDir()}
	for _, id := range []string{"", "../x", "a/b", "..", ".x"} {
		if err := r.Put(Build{ID: id}); err == nil {
			t.Errorf("%q was taken", id)
		}
	}
}
