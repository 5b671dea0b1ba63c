import {
  type AgentRequest,
  agentRequestHash,
  decodeBase64url,
  encodeBase64url,
  formatAgentRequest,
  formatReceipt,
  type Receipt,
  receiptHash,
  releaseChallenge,
  releaseSignatureMessage,
  sha256,
} from '@pzk-auth/protocol';
import type { TestIssuer } from './issuer.js';
import { createSessionKey, type DpopFields, type TestSessionKey } from './session-key.js';
import { createSigningPair, type Draft, makeWrite, random, type TestVault } from './test-vault.js';
import type { VaultClient } from './vault-client.js';
import { send, type WireAnswer } from './wire-client.js';

/** A request as an agent sends it. */
export interface SentRequest {
  readonly id: string;
  /** base64url of its bytes. */
  readonly request: string;
  readonly signature: string;
}

/** A broker that speaks the wire format step by step. */
export interface TestAgent {
  /** Id of the manifest. */
  readonly id: string;
  /** base64url of 65 bytes. */
  readonly key: string;
  readonly sessionKey: TestSessionKey;
  sign(bytes: Uint8Array): Promise<string>;
  post(
    path: string,
    body: unknown,
    over?: Partial<DpopFields>,
    address?: string,
  ): Promise<WireAnswer>;
  make(vault: TestVault, over?: Partial<AgentRequest>): Promise<SentRequest>;
  /** Makes a request and sends it. */
  ask(vault: TestVault, over?: Partial<AgentRequest>): Promise<SentRequest>;
}

/** Creates an agent that no manifest lists yet. */
export async function createTestAgent(issuer: TestIssuer): Promise<TestAgent> {
  const sessionKey = await createSessionKey();
  const { x = '', y = '' } = sessionKey.jwk;
  const point = Buffer.concat([
    Uint8Array.of(4),
    Buffer.from(x, 'base64url'),
    Buffer.from(y, 'base64url'),
  ]);
  const key = encodeBase64url(Uint8Array.from(point));
  const agent: TestAgent = {
    id: random(16),
    key,
    sessionKey,
    async sign(bytes) {
      const algorithm = { name: 'ECDSA', hash: 'SHA-256' };
      const data = Uint8Array.from(bytes);
      const made = await crypto.subtle.sign(algorithm, sessionKey.privateKey, data);
      return encodeBase64url(new Uint8Array(made));
    },
    async post(path, body, over = {}, address) {
      const url = issuer.verifier.baseUrl + path;
      const dpop = await sessionKey.dpop({ url, now: issuer.now(), ...over });
      const headers = { 'content-type': 'application/json', dpop };
      const init = { method: 'POST', headers, body: JSON.stringify(body) };
      return send(issuer, new Request(url, init), address);
    },
    async make(vault, over = {}) {
      const fields: AgentRequest = {
        issuer: issuer.verifier.issuer,
        vaultId: vault.vaultId,
        requestId: random(16),
        agentKeyHash: sha256(decodeBase64url(key)),
        hpkeKey: decodeBase64url(createSigningPair().publicKey),
        slotId: vault.manifest.slots[0]?.id ?? '',
        purpose: 'Summarise a document',
        host: 'api.anthropic.com',
        methods: ['POST'],
        header: 'x-api-key',
        prefix: '',
        uses: 3,
        ttl: 600,
        perDay: 0,
        notAfter: 0,
        ...over,
      };
      const bytes = formatAgentRequest(fields);
      return {
        id: fields.requestId,
        request: encodeBase64url(bytes),
        signature: await agent.sign(bytes),
      };
    },
    async ask(vault, over = {}) {
      const sent = await agent.make(vault, over);
      const { request, signature } = sent;
      const answer = await agent.post('/agent/requests', { request, signature });
      if (answer.status !== 201) throw new Error(answer.text);
      return sent;
    },
  };
  return agent;
}

/** Writes agents into the manifest. */
export async function pairAgents(client: VaultClient, agents: readonly TestAgent[]): Promise<void> {
  const { write, after } = makeWrite(client.vault, (draft) => {
    draft.agents.push(...agents.map(({ id, key }) => ({ id, key, name: 'Agent' })));
  });
  const answer = await client.write(write);
  if (answer.status !== 200) throw new Error(answer.text);
  client.vault = after;
}

/** What a test may change of an approval. */
export interface ApprovalOver {
  /** The request whose challenge is signed. */
  readonly challengeOf?: string;
  readonly receipt?: Partial<Receipt>;
  readonly body?: Record<string, unknown>;
  readonly change?: (draft: Draft) => void;
  /** Purpose of the challenge that gives the nonce. */
  readonly purpose?: 'release' | 'session';
}

/** The approval of a request as a browser makes it, ready to send. */
export async function makeApproval(
  client: Pick<VaultClient, 'wire' | 'vault'>,
  sent: SentRequest,
  over: ApprovalOver = {},
) {
  const { wire, vault } = client;
  const { nonce } = await wire.challenge(over.purpose ?? 'release');
  const bytes = decodeBase64url(sent.request);
  const requestHash = agentRequestHash(bytes);
  const signedHash = agentRequestHash(decodeBase64url(over.challengeOf ?? sent.request));
  const credential = await wire.sign(releaseChallenge({ requestHash: signedHash, nonce }));
  const enc = createSigningPair().publicKey;
  const ct = random(80);
  const { vaultId, identity } = vault;
  const message = { vaultId, requestHash, enc: decodeBase64url(enc), ct: decodeBase64url(ct) };
  const receipt = formatReceipt({
    request: bytes,
    agentSignature: decodeBase64url(sent.signature),
    nonce,
    previous: decodeBase64url(vault.manifest.receipts_head),
    authenticatorData: decodeBase64url(credential.response.authenticatorData),
    clientDataJSON: decodeBase64url(credential.response.clientDataJSON),
    signature: decodeBase64url(credential.response.signature),
    credentialId: credential.id,
    manifest: vault.bytes,
    manifestSignature: decodeBase64url(vault.signature),
    ...over.receipt,
  });
  const { write, after } = makeWrite(vault, (draft) => {
    draft.receipts_head = encodeBase64url(receiptHash(receipt));
    over.change?.(draft);
  });
  const body = {
    id: sent.id,
    nonce,
    credential,
    enc,
    ct,
    signature: identity.sign(releaseSignatureMessage(message)),
    receipt: encodeBase64url(receipt),
    write,
    ...over.body,
  };
  return { body, after };
}
