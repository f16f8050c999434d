package anthropic

// RetryAfter is retryAfter, for fuzzing.
var RetryAfter = retryAfter
