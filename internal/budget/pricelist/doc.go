// Package pricelist reads the price lists that others publish: LiteLLM's
// model_prices_and_context_window.json, models.dev's api.json, and the data of Pydantic's
// genai-prices.
//
// What comes out are [budget.Shelf]s of the sellers that builder knows. What our rows cannot express
// (prices by the hour, by the request or by several bands, reasoning priced apart from output,
// models that do not write text) is left out and counted, never bent into shape. Names are exact:
// a list's rules by prefix or pattern are not taken over, for they misprice the next model.
//
// Lists are foreign text: every number is checked, and sizes are bounded.
package pricelist
