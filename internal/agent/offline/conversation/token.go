package conversation

// The rules are: a token is 3.6 bytes of text, rounded up over the whole count; nobody tokenises
// here, and a fixed ratio keeps bills reproducible.

// Tokens is how many tokens n bytes count as: ceil(n / 3.6).
func Tokens(n int) int64 {
	if n <= 0 {
		return 0
	}
	return (int64(n)*5 + 17) / 18
}

// Room is how many bytes fit in the given number of tokens: the largest n with Tokens(n) <= tokens,
// bounded by what an answer can ever need (64 MiB).
func Room(tokens int64) int {
	const most = 64 << 20
	switch {
	case tokens <= 0:
		return 0
	case tokens >= most:
		return most
	default:
		return int(tokens * 18 / 5)
	}
}
