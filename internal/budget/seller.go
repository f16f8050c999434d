package budget

import (
	"slices"
	"strings"
)

// A seller is who bills for a model: the same id costs different money at different sellers, so
// rows are kept by seller, and the address that calls are sent to decides whose rows count.
const (
	Anthropic = "anthropic"
	OpenAI    = "openai"
	Offline   = "offline"
)

// sellerOf is the seller whose interface is at exactly that address. Regional addresses are left out
// on purpose: some bill a surcharge.
func sellerOf(host string) string {
	switch host {
	case "api.anthropic.com":
		return Anthropic
	case "api.openai.com":
		return OpenAI
	case "generativelanguage.googleapis.com":
		return "google"
	case "api.x.ai":
		return "xai"
	case "api.mistral.ai":
		return "mistral"
	case "api.deepseek.com":
		return "deepseek"
	case "api.groq.com":
		return "groq"
	case "api.together.xyz", "api.together.ai":
		return "together"
	case "api.fireworks.ai":
		return "fireworks"
	case "api.cerebras.ai":
		return "cerebras"
	case "api.moonshot.ai":
		return "moonshot"
	case "api.z.ai":
		return "zai"
	case "api.minimax.io":
		return "minimax"
	case "api.cohere.ai", "api.cohere.com":
		return "cohere"
	case "openrouter.ai":
		return "openrouter"
	}
	return ""
}

// domains are those of the sellers: at other addresses below them other prices may hold.
func domains() []string {
	return []string{
		"anthropic.com", "openai.com", "azure.com", "googleapis.com", "amazonaws.com", "x.ai", "mistral.ai", "deepseek.com", "groq.com",
		"together.xyz", "together.ai", "fireworks.ai", "cerebras.ai", "moonshot.ai", "moonshot.cn", "z.ai", "bigmodel.cn", "minimax.io",
		"minimaxi.com", "cohere.ai", "cohere.com", "openrouter.ai", "huggingface.co", "githubcopilot.com",
	}
}

// Sellers are all that are known, those first whose ids come first where a seller is not named.
func Sellers() []string {
	return []string{
		Anthropic, OpenAI, "google", "xai", "mistral", "deepseek", "groq", "together", "fireworks",
		"cerebras", "moonshot", "zai", "minimax", "cohere", "openrouter", Offline,
	}
}

// SellerAt is who sells at a host. A host that is not known is taken for a gateway of usual, whose
// dialect is spoken; another address of a known seller has prices of its own, so nobody's are known
// there, and the seller is "".
func SellerAt(host, usual string) string {
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	if s := sellerOf(host); s != "" {
		return s
	}
	for _, d := range domains() {
		if host == d || strings.HasSuffix(host, "."+d) {
			return ""
		}
	}
	return usual
}

// KnownSeller says whether s is one of Sellers.
func KnownSeller(s string) bool { return slices.Contains(Sellers(), s) }
