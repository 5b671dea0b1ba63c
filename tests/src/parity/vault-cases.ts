import { encodeBase64url, recoveryMessage, revokeChallenge } from '@pzk-auth/protocol';
import {
  makeApproval,
  type SentRequest,
} from '../../../packages/verifier/test/harness/test-agent.js';
import {
  addSlot,
  etagOf,
  makePinRequest,
  makeRecipient,
  makeRecovery,
  makeWrite,
  random,
  type SigningPair,
  type TestVault,
} from '../../../packages/verifier/test/harness/test-vault.js';
import type { WireClient } from '../../../packages/verifier/test/harness/wire-client.js';
import { ISSUER, PAGE } from './host.js';
import {
  byAgent,
  byToken,
  call,
  get,
  JSON_TYPE,
  type ParityCase,
  plain,
  post,
} from './parity-case.js';
import type { Peer } from './peer.js';

const ifMatch = (peer: Peer) => [['If-Match', `"${etagOf(peer.vault)}"`]] as const;

/** What one case makes for the next, of the host that is running. */
const made: {
  written?: object;
  stale?: TestVault;
  request?: SentRequest;
  code?: SigningPair;
  invitation?: string;
  joined?: Joined;
  pairing?: string;
} = {};

/** A device that has answered an invitation. */
interface Joined {
  readonly id: string;
  readonly hpke_key: string;
  readonly salt: string;
  readonly credentialId: string;
  readonly coseKey: string;
}

/** An id of the last case's making. */
function known(id: string | undefined): string {
  if (id === undefined) throw new Error('The case before has made none.');
  return id;
}

/** A write that follows the vault, which is then the vault of the peer. */
const byWrite = (
  name: string,
  make: (peer: Peer) => { readonly after: TestVault; readonly write: object },
): ParityCase =>
  call(name, 200, undefined, async (peer) => {
    const { after, write } = make(peer);
    const headers = [
      JSON_TYPE,
      ...ifMatch(peer),
      ...(await peer.credentials('POST', '/pzk/vault')),
    ];
    peer.vault = after;
    return post('/pzk/vault', JSON.stringify(write), headers);
  });

/** An honest call without a token, by the passkey or a code of a device. */
const byNonce = (
  name: string,
  path: string,
  build: (wire: WireClient, peer: Peer) => Promise<object>,
): ParityCase =>
  call(name, 200, undefined, async (peer) => {
    const { client: wire } = peer;
    const body = JSON.stringify(await build(wire, peer));
    const dpop = await wire.sessionKey.dpop({ url: `${ISSUER}/pzk${path}` });
    return post(`/pzk${path}`, body, [JSON_TYPE, ['DPoP', dpop]]);
  });

/** An honest call of whoever knows an id. */
const byId = (
  name: string,
  status: number,
  path: string,
  body: (peer: Peer) => object,
): ParityCase =>
  call(name, status, undefined, async (peer) => post(`/pzk${path}`, JSON.stringify(body(peer))));

/** What the broker of a pairing sends, and the browser answers. */
const exchanged = { nonce_a: random(32), nonce_b: random(32), commitment: random(32) };

const pairing = () => ({ id: known(made.pairing) });

const asked = (name: string): ParityCase => ({
  name,
  status: 201,
  async run({ agent, vault, send }) {
    made.request = await agent.make(vault);
    const { request, signature } = made.request;
    const dpop = await agent.sessionKey.dpop({ url: `${ISSUER}/pzk/agent/requests` });
    const body = JSON.stringify({ request, signature });
    return send(post('/pzk/agent/requests', body, [JSON_TYPE, ['DPoP', dpop]]));
  },
});

export const vaultAndAgents: readonly ParityCase[] = [
  byToken('vault: status', 200, undefined, '/vault/status'),
  plain('vault: no token', 401, 'invalid_token', post('/pzk/vault/status', '{}')),
  plain('vault: GET', 405, 'method_not_allowed', get('/pzk/vault/status')),
  byToken(
    'vault: a write without If-Match',
    400,
    'invalid_request',
    '/vault',
    (peer) => addSlot(peer.vault).write,
  ),
  byToken(
    'vault: a write after another',
    412,
    'vault_conflict',
    '/vault',
    (peer) => addSlot(peer.vault).write,
    () => [
      ['If-Match', `"${'A'.repeat(43)}"`],
      ['Origin', PAGE],
    ],
  ),
  byToken(
    'vault: a write that pairs an agent',
    200,
    undefined,
    '/vault',
    (peer) => {
      const { agent, vault } = peer;
      const { write, after } = makeWrite(vault, (draft) => {
        draft.agents.push({ id: agent.id, name: 'Agent', key: agent.key });
      });
      made.written = write;
      made.stale = vault;
      peer.vault = after;
      return write;
    },
    () => [['If-Match', `"${etagOf(made.stale as TestVault)}"`]],
  ),
  byToken(
    'vault: the same write again',
    412,
    'vault_conflict',
    '/vault',
    () => made.written,
    () => [['If-Match', `"${etagOf(made.stale as TestVault)}"`]],
  ),
  byToken('vault: too large', 413, 'body_too_large', '/vault', () => 'x'.repeat(300_000), ifMatch),
  plain('vault: preflight of a write', 204, undefined, {
    method: 'OPTIONS',
    target: '/pzk/vault',
    headers: [
      ['Origin', PAGE],
      ['Access-Control-Request-Method', 'POST'],
      ['Access-Control-Request-Headers', 'authorization,dpop,content-type,if-match'],
    ],
  }),
  byNonce('vault: opened', '/vault/open', async (wire) => {
    const challenge = await wire.challenge('session');
    return { nonce: challenge.nonce, credential: await wire.assert(challenge) };
  }),
  byToken('vault: a pin', 204, undefined, '/vault/pin', ({ vault }) =>
    makePinRequest(vault, known(vault.manifest.recipients[0]?.id)),
  ),
  byWrite('vault: a write that brings a recovery code', ({ vault }) => {
    const { pair, listed, sealed } = makeRecovery(vault.manifest.counter + 1);
    made.code = pair;
    return makeWrite(vault, (draft) => draft.recipients.push(listed), {
      recipients: [{ id: listed.id, sealed, pin: random(32) }],
    });
  }),
  byToken('vault: exported', 200, undefined, '/vault/export'),
  byNonce('vault: read by the recovery code', '/vault/recover', async (wire) => {
    const { nonce, audience } = await wire.challenge('enroll');
    const { jkt } = wire.sessionKey;
    const endpoint = '/vault/recover';
    const message = recoveryMessage({ issuer: ISSUER, audience, nonce, jkt, endpoint });
    const { code } = made;
    return { nonce, recovery_key: code?.publicKey, signature: code?.sign(message) };
  }),
  byToken('vault: no reset to cancel', 204, undefined, '/vault/reset/cancel'),
  byToken('vault: an invitation', 201, undefined, '/vault/invitations', ({ vault }) => {
    made.invitation = random(16);
    return {
      id: made.invitation,
      mac_old: random(32),
      identity_key: vault.identity.publicKey,
      counter: vault.manifest.counter,
      manifest_hash: etagOf(vault),
    };
  }),
  byId('vault: an invitation that is opened', 200, '/vault/invitations/open', () => ({
    id: known(made.invitation),
  })),
  call('vault: a device that joins', 202, undefined, async (peer) => {
    const wire = await peer.openBrowser();
    const { nonce, ...challenge } = await wire.challenge('enroll');
    const { credentialId, coseKey: bytes, body } = await wire.register({ nonce, ...challenge });
    const coseKey = encodeBase64url(bytes);
    const { id, hpke_key, salt, generation } = makeRecipient({ credentialId, coseKey }, 1).listed;
    made.joined = { id, hpke_key, salt, credentialId, coseKey };
    const invitation = known(made.invitation);
    const recipient = { id, hpke_key, salt, generation };
    const claim = { ...body, nonce, invitation, recipient, pin: random(32), mac_new: random(32) };
    const dpop = await wire.sessionKey.dpop({ url: `${ISSUER}/pzk/enroll` });
    return post('/pzk/enroll', JSON.stringify(claim), [JSON_TYPE, ['DPoP', dpop]]);
  }),
  byToken(
    'vault: an invitation that was answered',
    200,
    undefined,
    '/vault/invitations/read',
    () => ({
      id: known(made.invitation),
    }),
  ),
  byWrite('vault: a write that takes the device in', ({ vault }) => {
    if (made.joined === undefined) throw new Error('Nobody has joined.');
    const { credentialId, coseKey, ...over } = made.joined;
    const counter = vault.manifest.counter + 1;
    const { listed, sealed } = makeRecipient({ credentialId, coseKey }, counter, over);
    return makeWrite(vault, (draft) => draft.recipients.push(listed), {
      recipients: [{ id: listed.id, sealed }],
    });
  }),
  byToken(
    'vault: an invitation that is cancelled',
    204,
    undefined,
    '/vault/invitations/cancel',
    () => ({
      id: known(made.invitation),
    }),
  ),
  byToken('vault: devices', 200, undefined, '/devices'),
  call('vault: a device that is revoked', 204, undefined, async (peer) => {
    const listed = await peer.send(
      post('/pzk/devices', '{}', [JSON_TYPE, ...(await peer.credentials('POST', '/pzk/devices'))]),
    );
    const { devices } = JSON.parse(listed.body) as {
      readonly devices: readonly { readonly id: string; readonly credential_id: string }[];
    };
    const device = known(
      devices.find((one) => one.credential_id === made.joined?.credentialId)?.id,
    );
    const { nonce } = await peer.client.challenge('revoke');
    const credential = await peer.client.sign(revokeChallenge({ issuer: ISSUER, device, nonce }));
    return post('/pzk/devices/revoke', JSON.stringify({ device, nonce, credential }), [
      JSON_TYPE,
      ...(await peer.credentials('POST', '/pzk/devices/revoke')),
    ]);
  }),
  {
    name: 'vault: an unknown device',
    status: 404,
    code: 'not_found',
    async run(peer) {
      const { client: wire } = peer;
      const { nonce } = await wire.challenge('revoke');
      const challenge = revokeChallenge({ issuer: ISSUER, device: 'x', nonce });
      const body = { device: 'x', nonce, credential: await wire.sign(challenge) };
      return peer.send(
        post('/pzk/devices/revoke', JSON.stringify(body), [
          JSON_TYPE,
          ...(await peer.credentials('POST', '/pzk/devices/revoke')),
        ]),
      );
    },
  },
  plain(
    'vault: an unknown invitation',
    404,
    'not_found',
    post('/pzk/vault/invitations/open', JSON.stringify({ id: 'A'.repeat(22) })),
  ),
  asked('agent: asks'),
  byToken('agent: what waits', 200, undefined, '/vault/requests'),
  byAgent('agent: reads', 200, undefined, '/agent/requests/read', () => ({ id: made.request?.id })),
  byAgent('agent: events', 200, undefined, '/agent/events', () => ({}), ': open\n\n'),
  {
    name: 'agent: approved',
    status: 200,
    async run(peer) {
      const { client: wire, vault } = peer;
      const { body, after } = await makeApproval({ wire, vault }, made.request as SentRequest);
      const answer = await peer.send(
        post('/pzk/vault/releases', JSON.stringify(body), [
          JSON_TYPE,
          ...ifMatch(peer),
          ...(await peer.credentials('POST', '/pzk/vault/releases')),
        ]),
      );
      peer.vault = after;
      return answer;
    },
  },
  byAgent('agent: fetches', 200, undefined, '/agent/requests/read', () => ({
    id: made.request?.id,
  })),
  byAgent('agent: uses', 200, undefined, '/agent/uses', () => ({
    id: made.request?.id,
    uses: 1,
    last_used_at: Math.floor(Date.now() / 1000),
    ended: false,
  })),
  byToken('agent: releases', 200, undefined, '/vault/releases/list'),
  byToken('agent: receipts', 200, undefined, '/vault/receipts'),
  byToken('agent: ended', 204, undefined, '/vault/releases/end', () => ({ id: made.request?.id })),
  asked('agent: asks again'),
  byToken('agent: rejected', 204, undefined, '/vault/requests/reject', () => ({
    id: made.request?.id,
    reason: 'Not today',
  })),
  asked('agent: asks once more'),
  byAgent('agent: cancels', 204, undefined, '/agent/requests/cancel', () => ({
    id: made.request?.id,
  })),
  {
    name: 'pairing: begun',
    status: 201,
    async run(peer) {
      const answer = await peer.send(
        post('/pzk/vault/pairings', '{}', [
          JSON_TYPE,
          ...(await peer.credentials('POST', '/pzk/vault/pairings')),
        ]),
      );
      made.pairing = JSON.parse(answer.body).id;
      return answer;
    },
  },
  byId('pairing: opened', 200, '/agent/pairings/open', pairing),
  byId('pairing: committed', 204, '/agent/pairings/commit', () => ({
    ...pairing(),
    commitment: exchanged.commitment,
    name: 'Agent',
  })),
  byToken('pairing: answered', 204, undefined, '/vault/pairings/answer', ({ vault }) => ({
    ...pairing(),
    identity_key: vault.identity.publicKey,
    nonce_b: exchanged.nonce_b,
  })),
  byId('pairing: revealed', 204, '/agent/pairings/reveal', ({ agent }) => ({
    ...pairing(),
    agent_key: agent.key,
    nonce_a: exchanged.nonce_a,
  })),
  byToken('pairing: read', 200, undefined, '/vault/pairings/read', pairing),
  byToken('pairing: ended', 204, undefined, '/vault/pairings/end', pairing),
  byToken('vault: activity', 200, undefined, '/vault/activity'),
  plain('agent: no proof', 400, 'invalid_dpop_proof', post('/pzk/agent/events', '{}')),
];
