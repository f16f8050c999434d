// Package failure puts whatever can go wrong with a model call into exactly one class.
//
// Its words: a [Fault] is what is known of a send that brought no answer: how far the send had come,
// status, headers, the provider's words, the error of the machine; [Read] gathers it from an error
// body of any shape that real servers send. [Fault.Failure] is the one classifier, for all families
// of APIs: their words do not clash, and a gateway may answer in the words of another family.
// [RetryAfter] and [Limits] read what headers say about time.
//
// It is pure: no clock, no network, no state. Its table of rows is failuretest/rows.json.
package failure
