package anthropic

import (
	sdk "github.com/anthropics/anthropic-sdk-go/v2"
)

// mark sets at most four cache marks. The rules are:
//
//   - after tools and the first system part, and after the second: one hour, as all tasks of a
//     build share them;
//   - at the end of the conversation: five minutes; this writes what is new since the last request;
//   - where the conversation ended in the request before: five minutes; the provider looks back
//     from a mark over at most 20 blocks, and one turn of ten calls is more than that, so the entry
//     that the last request wrote is named exactly.
//
// The place of the older mark follows from the messages alone: the request before this one ended
// just before the newest answer.
func mark(p *sdk.MessageNewParams) {
	hour := sdk.CacheControlEphemeralParam{TTL: sdk.CacheControlEphemeralTTLTTL1h}
	for i := range min(len(p.System), 2) {
		p.System[i].CacheControl = hour
	}
	if len(p.System) == 0 && len(p.Tools) > 0 {
		p.Tools[len(p.Tools)-1].OfTool.CacheControl = hour
	}
	last := len(p.Messages) - 1
	newest := last
	for newest >= 0 && p.Messages[newest].OfAssistant == nil {
		newest--
	}
	if newest > 0 {
		markMessage(p.Messages[newest-1])
	}
	if last >= 0 {
		markMessage(p.Messages[last])
	}
}

// markMessage marks the last block of m that can carry a mark; thinking cannot.
func markMessage(m sdk.MessageParam) {
	var blocks []sdk.ContentBlockParamUnion
	switch {
	case m.OfUser != nil:
		blocks = m.OfUser.Content
	case m.OfAssistant != nil:
		blocks = m.OfAssistant.Content
	}
	short := sdk.CacheControlEphemeralParam{TTL: sdk.CacheControlEphemeralTTLTTL5m}
	for i := len(blocks) - 1; i >= 0; i-- {
		switch b := blocks[i]; {
		case b.OfText != nil:
			b.OfText.CacheControl = short
		case b.OfToolUse != nil:
			b.OfToolUse.CacheControl = short
		case b.OfToolResult != nil:
			b.OfToolResult.CacheControl = short
		default:
			continue
		}
		return
	}
}
