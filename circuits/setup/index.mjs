// A deployer's own contribution, in a directory of his own: `@pzk-auth/circuits/setup`.
export { contributeToSetup, verifySetup } from './own-setup.mjs';
export { phase1, readPhase1 } from './phase1.mjs';
