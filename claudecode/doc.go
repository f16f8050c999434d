// Package claudecode drives the Claude Code CLI as a subprocess: prompts in, typed messages out, and the
// control protocol both ways.
//
// One prompt:
//
//	for msg, err := range claudecode.Query(ctx, "What is 2+2?", claudecode.Options{Env: env}) {
//		...
//	}
//
// A session of several turns:
//
//	s, err := claudecode.Start(ctx, claudecode.Options{Dir: dir, Env: env, Model: "sonnet"})
//	...
//	defer s.Close()
//	err = s.Send(ctx, "Read the README.")
//	for msg, err := range s.Receive(ctx) { // up to and with the result
//		...
//	}
//
// Its words:
//
//   - A session is one process of the CLI. It is started with typed [Options] and ends by [Session.Close], by the
//     end of its context, or by itself. Nothing that it started outlives it, as far as the system lets us see.
//   - A [Message] is one line that the CLI printed. Every message keeps its raw JSON ([Header]); kinds that this
//     package does not know are kept as [Unknown] and [System].
//   - A turn begins with a message that is sent and ends with a [Result]. A process has as many as are sent, and
//     one more for each background task that wakes the model.
//   - Control requests go both ways beside the messages: [Session.Interrupt], [Session.SetModel] and others to the
//     CLI; permission questions, hooks and calls of in-process MCP tools ([Server]) to this program. Those are served
//     from the first line on, also while [Start] waits.
//
// The environment of the CLI is what [Options.Env] says and nothing else: nothing of this process is inherited.
//
// The package uses the standard library only. It knows neither prices nor any other part of Builder.
package claudecode
