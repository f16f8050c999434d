package budget

// Micro is money in millionths of a US dollar. Costs are rounded up, caps down.
type Micro int64

// Dollar is one US dollar.
const Dollar Micro = 1_000_000
