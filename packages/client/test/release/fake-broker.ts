import {
  type AgentRequest,
  agentRequestHash,
  type Bytes,
  decodeBase64url,
  encodeBase64url,
  formatAgentRequest,
  pairingCommitment,
  pairingWords,
  type ReleaseRequest,
  releaseSealInfo,
  releaseSignatureMessage,
  sha256,
} from '@pzk-auth/protocol';
import { deriveHpkeKeyPair, openHpke, serializeHpkePublicKey } from '../../src/vault/hpke.js';
import { generateIdentityKey, verifyIdentitySignature } from '../../src/vault/identity-key.js';
import { issuer } from '../fake-issuer.js';
import { randomBytes, randomId } from '../vault/craft-vault.js';
import type { FakePlatform } from '../vault/fake-platform.js';

/** An agent's broker, as far as a browser meets it: its keys, pairing, requests, opening a release. */
export async function createFakeBroker(platform: FakePlatform) {
  const key = await generateIdentityKey();
  const nonceA = randomBytes(32);
  const vaultId = () => platform.vault?.vaultId ?? '';
  const own = () => ({ issuer, vaultId: vaultId(), agentKey: key.publicKey, nonceA });
  let hpke: CryptoKeyPair | undefined;

  return {
    key,
    nonceA,
    commit(name = 'Builder') {
      const commitment = encodeBase64url(pairingCommitment(own()));
      platform.pairing = { status: 'committed', name, commitment };
    },
    reveal() {
      Object.assign(platform.pairing, {
        status: 'revealed',
        agent_key: encodeBase64url(key.publicKey),
        nonce_a: encodeBase64url(nonceA),
      });
    },
    words() {
      const { identity_key = '', nonce_b = '' } = platform.pairingAnswer ?? {};
      const identityKey = decodeBase64url(identity_key);
      return pairingWords({ ...own(), identityKey, nonceB: decodeBase64url(nonce_b) });
    },
    /** Asks for a slot; the request waits at the platform. */
    async ask(slotId: string, changes: Partial<AgentRequest> = {}, signs?: Bytes) {
      hpke = await deriveHpkeKeyPair(randomBytes(32));
      const bytes = formatAgentRequest({
        issuer,
        vaultId: vaultId(),
        requestId: randomId(),
        agentKeyHash: sha256(key.publicKey),
        hpkeKey: await serializeHpkePublicKey(hpke.publicKey),
        slotId,
        purpose: 'Write a page about the weather',
        host: 'api.anthropic.com',
        methods: ['POST'],
        header: 'x-api-key',
        prefix: '',
        uses: 3,
        ttl: 600,
        perDay: 0,
        notAfter: 0,
        ...changes,
      });
      platform.requests.push({
        request: encodeBase64url(bytes),
        signature: encodeBase64url(await key.sign(signs ?? bytes)),
        at: 1,
        expires_at: 2,
      });
      return bytes;
    },
    /** Takes a release as a broker does: only for its request, signed by the vault that it has pinned. */
    async take(bytes: Bytes, release: ReleaseRequest, identityKey: string): Promise<string> {
      const requestHash = agentRequestHash(bytes);
      const enc = decodeBase64url(release.enc);
      const ct = decodeBase64url(release.ct);
      const message = releaseSignatureMessage({ vaultId: vaultId(), requestHash, enc, ct });
      const signature = decodeBase64url(release.signature);
      if (!(await verifyIdentitySignature(decodeBase64url(identityKey), signature, message))) {
        throw new Error('not signed by the pinned vault');
      }
      if (hpke === undefined) throw new Error('nothing was asked for');
      const value = await openHpke(hpke, releaseSealInfo(requestHash), { enc, ct });
      return new TextDecoder().decode(value);
    },
  };
}
