// Writes the data of the npm package @pydantic/genai-prices (MIT) as JSON to standard output:
//
//   npm pack @pydantic/genai-prices && tar xzf pydantic-genai-prices-*.tgz
//   node export.mjs package/dist/index.js > genai.json
//
// The package has no list of its sellers; these are those whose addresses builder knows
// (internal/budget/seller.go), besides Anthropic, whose rows are kept by hand.
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'

const { findProvider } = await import(pathToFileURL(resolve(process.argv[2])))
const sellers = [
  'openai', 'google', 'x-ai', 'mistral', 'deepseek', 'groq', 'together', 'fireworks', 'cerebras',
  'moonshotai', 'zai', 'minimax', 'cohere', 'openrouter',
]
const found = sellers.map(providerId => findProvider({ providerId })).filter(Boolean)
process.stdout.write(JSON.stringify(found, null, 1) + '\n')
