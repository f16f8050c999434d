package ladder

import "testing"

func BenchmarkMeasure(b *testing.B) {
	for b.Loop() {
		if r, _ := Measure(b.Context()); r == nil {
			b.Fatal("no runner")
		}
	}
}
