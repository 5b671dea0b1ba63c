export { type RunningVendor, startVendor, type VendorOptions } from '../vendor/start-vendor.js';
export { openPlatformData, type PlatformData } from './data.js';
export { type RunningPlatform, type StartOptions, startPlatform } from './start.js';
export { type RunningAgent, type StartAgentOptions, startAgent } from './start-agent.js';
