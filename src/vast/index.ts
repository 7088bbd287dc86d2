/** Vast.ai as the Market port. */
export { findApiKey, type FoundKey } from './api-key.ts';
export { createVastMarket, DEFAULT_URL, type VastMarket, type VastMarketOptions } from './market.ts';
