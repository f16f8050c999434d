package offline

import "github.com/seed-c331f47d/builder/internal/agent/offline/conversation"

func byRule(spec string) conversation.Work { return conversation.Work{} }
