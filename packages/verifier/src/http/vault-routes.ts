import { listActivity } from '../audit/list-activity.js';
import type { Engine } from '../exchange/engine.js';
import { listOwnDevices, revokeOwnDevice } from '../keys/own-devices.js';
import { openAgentEvents } from '../release/agent-events.js';
import {
  addAgentRequest,
  cancelAgentRequest,
  readAgentRequest,
  reportUses,
} from '../release/agent-requests.js';
import { approveRelease } from '../release/approve-release.js';
import {
  answerPairing,
  commitPairing,
  createPairing,
  endPairing,
  openPairing,
  readPairing,
  revealPairing,
} from '../release/pairings.js';
import {
  endRelease,
  listReceipts,
  listReleases,
  listRequests,
  rejectRequest,
} from '../release/user-requests.js';
import { cancelReset } from '../vault/cancel-reset.js';
import { exportVault } from '../vault/export-vault.js';
import {
  cancelInvitation,
  createInvitation,
  openInvitation,
  readInvitation,
} from '../vault/invitations.js';
import { openVault } from '../vault/open-vault.js';
import { pinVault } from '../vault/pin-vault.js';
import { readVaultStatus } from '../vault/read-status.js';
import { recoverVault } from '../vault/recovery.js';
import { writeVault } from '../vault/write-vault.js';
import { type HandleContext, json, NO_STORE, type Route } from './route.js';

type Run = (engine: Engine, request: Request, context: HandleContext) => Promise<unknown>;

/** How an endpoint is answered when it succeeds. */
const answers = {
  200: (value: unknown) => json(value),
  201: (value: unknown) => json(value, 201),
  204: () => new Response(null, { status: 204, headers: NO_STORE }),
} as const;

/** By a token, as protected calls. */
function byToken(name: string, run: Run, status: keyof typeof answers = 200): [string, Route] {
  return [name, { name, method: 'POST', place: 'resource', run: answered(run, status) }];
}

/** By an id that only the two sides know. */
function byId(name: string, run: Run, status: keyof typeof answers = 200): [string, Route] {
  const route = { name, method: 'POST', place: 'endpoint', countsUnknown: true } as const;
  return [name, { ...route, run: answered(run, status) }];
}

/** By a proof of an agent's key. */
function byAgent(name: string, run: Run, status: keyof typeof answers = 200): [string, Route] {
  return [name, { name, method: 'POST', place: 'endpoint', run: answered(run, status) }];
}

/** By a nonce. */
function byNonce(name: string, run: Run): [string, Route] {
  return [name, { name, method: 'POST', place: 'endpoint', run: answered(run, 200) }];
}

function answered(run: Run, status: keyof typeof answers): Route['run'] {
  return async (engine, request, context) => answers[status](await run(engine, request, context));
}

/** What is said about vaults and agents, docs/protocol.md section 10.15. */
export const vaultRoutes: ReadonlyMap<string, Route> = new Map<string, Route>([
  byNonce('/vault/open', openVault),
  byToken('/vault', writeVault),
  byToken('/vault/status', readVaultStatus),
  byToken('/vault/pin', pinVault, 204),
  byToken('/vault/export', exportVault),
  byToken('/devices', listOwnDevices),
  byToken('/devices/revoke', revokeOwnDevice, 204),
  byToken('/vault/reset/cancel', cancelReset, 204),
  byToken('/vault/invitations', createInvitation, 201),
  byToken('/vault/invitations/read', readInvitation),
  byToken('/vault/invitations/cancel', cancelInvitation, 204),
  byId('/vault/invitations/open', openInvitation),
  byNonce('/vault/recover', recoverVault),
  byToken('/vault/pairings', createPairing, 201),
  byToken('/vault/pairings/read', readPairing),
  byToken('/vault/pairings/answer', answerPairing, 204),
  byToken('/vault/pairings/end', endPairing, 204),
  byId('/agent/pairings/open', openPairing),
  byId('/agent/pairings/commit', commitPairing, 204),
  byId('/agent/pairings/reveal', revealPairing, 204),
  byToken('/vault/requests', listRequests),
  byToken('/vault/requests/reject', rejectRequest, 204),
  byToken('/vault/releases', approveRelease),
  byToken('/vault/releases/list', listReleases),
  byToken('/vault/releases/end', endRelease, 204),
  byToken('/vault/receipts', listReceipts),
  byToken('/vault/activity', listActivity),
  byAgent('/agent/requests', addAgentRequest, 201),
  byAgent('/agent/requests/read', readAgentRequest),
  byAgent('/agent/requests/cancel', cancelAgentRequest, 204),
  byAgent('/agent/uses', reportUses),
  [
    '/agent/events',
    { name: '/agent/events', method: 'POST', place: 'endpoint', run: openAgentEvents },
  ],
]);
