import {
  agentRequestHash,
  type Bytes,
  decodeBase64url,
  encodeBase64url,
  formatAgentRequest,
  formatManifest,
  formatReceipt,
  historyAfter,
  manifestSignatureMessage,
  parseManifest,
  type Receipt,
  receiptHash,
  releaseChallenge,
  sha256,
  type VaultManifest,
} from '@pzk-auth/protocol';
import {
  createSoftwareAuthenticator,
  type SoftwareAuthenticatorOptions,
} from '../../src/testing/index.js';
import { generateIdentityKey } from '../../src/vault/identity-key.js';
import { extractCoseKey } from '../../src/webauthn/cose-key.js';
import { issuer, randomBytes, randomId } from '../vault/craft-vault.js';

const origin = 'https://app.example.com';
const exact = (buffer: ArrayBuffer): Bytes => new Uint8Array(buffer);

/** Where one who makes receipts departs from the rule. */
export interface ReceiptChanges {
  readonly previous?: string;
  readonly manifest?: (manifest: VaultManifest) => VaultManifest;
  readonly request?: Partial<Parameters<typeof formatAgentRequest>[0]>;
  /** What the passkey approves instead. */
  readonly challenge?: Bytes;
  /** What the agent signs instead. */
  readonly agentSigns?: Bytes;
  readonly receipt?: Partial<Receipt>;
  readonly authenticator?: Partial<SoftwareAuthenticatorOptions>;
}

/**
 * A vault with a passkey, an agent and a slot, that makes receipts one after the other: real keys and
 * signatures, the passkey's by the software authenticator.
 */
export async function createReceiptMaker({ vaultId = randomId() } = {}) {
  const authenticator = createSoftwareAuthenticator({ origin });
  const passkey = await makePasskey(authenticator);
  const identity = await generateIdentityKey();
  const agent = await generateIdentityKey();
  const slotId = randomId();
  let manifest: VaultManifest = {
    issuer,
    vault_id: vaultId,
    identity_key: encodeBase64url(identity.publicKey),
    counter: 3,
    previous: encodeBase64url(randomBytes(32)),
    history: [encodeBase64url(randomBytes(32))],
    recipients: [
      {
        id: randomId(),
        hpke_key: encodeBase64url((await generateIdentityKey()).publicKey),
        credential_id: passkey.id,
        cose_key: encodeBase64url(passkey.coseKey),
        salt: encodeBase64url(randomBytes(32)),
        generation: 1,
        counter: 1,
        sealed_hash: encodeBase64url(randomBytes(32)),
      },
    ],
    slots: [
      { id: slotId, version: 1, kind: 'secret', blob_hash: encodeBase64url(randomBytes(32)) },
    ],
    agents: [{ id: randomId(), name: 'Ticket helper', key: encodeBase64url(agent.publicKey) }],
    receipts_head: '',
  };

  /** The next receipt, and the manifest after it. */
  async function make(changes: ReceiptChanges = {}): Promise<Bytes> {
    const under = changes.manifest?.(manifest) ?? manifest;
    const manifestBytes = formatManifest(under);
    const request = formatAgentRequest({
      issuer,
      vaultId,
      requestId: randomId(),
      agentKeyHash: sha256(agent.publicKey),
      hpkeKey: (await generateIdentityKey()).publicKey,
      slotId,
      purpose: 'Summarise the open tickets of this week',
      host: 'api.anthropic.com',
      methods: ['POST'],
      header: 'x-api-key',
      prefix: '',
      uses: 20,
      ttl: 900,
      perDay: 0,
      notAfter: 0,
      ...changes.request,
    });
    const nonce = encodeBase64url(randomBytes(96));
    const challenge =
      changes.challenge ?? releaseChallenge({ requestHash: agentRequestHash(request), nonce });
    authenticator.configure({ userVerification: true, tamper: {}, ...changes.authenticator });
    const credential = (await authenticator.get({
      publicKey: {
        challenge,
        rpId: 'app.example.com',
        allowCredentials: [{ type: 'public-key', id: decodeBase64url(passkey.id) }],
        userVerification: 'preferred',
      },
    })) as PublicKeyCredential & { response: AuthenticatorAssertionResponse };
    const { response } = credential;
    const bytes = formatReceipt({
      request,
      agentSignature: await agent.sign(changes.agentSigns ?? request),
      nonce,
      previous: decodeBase64url(changes.previous ?? manifest.receipts_head),
      authenticatorData: exact(response.authenticatorData),
      clientDataJSON: exact(response.clientDataJSON),
      signature: exact(response.signature),
      credentialId: passkey.id,
      manifest: manifestBytes,
      manifestSignature: await identity.sign(manifestSignatureMessage(vaultId, manifestBytes)),
      ...changes.receipt,
    });
    manifest = parseManifest(
      formatManifest({
        ...manifest,
        counter: manifest.counter + 1,
        previous: encodeBase64url(sha256(formatManifest(manifest))),
        history: historyAfter(manifest),
        receipts_head: encodeBase64url(receiptHash(bytes)),
      }),
    );
    return bytes;
  }

  return {
    vaultId,
    slotId,
    credentialId: passkey.id,
    identityKey: encodeBase64url(identity.publicKey),
    make,
    /** What the manifest names now. */
    head: () => manifest.receipts_head,
  };
}

async function makePasskey(authenticator: ReturnType<typeof createSoftwareAuthenticator>) {
  const credential = (await authenticator.create({
    publicKey: {
      challenge: randomBytes(32),
      rp: { id: 'app.example.com', name: 'Example' },
      user: { id: randomBytes(32), name: 'ada', displayName: 'Ada' },
      pubKeyCredParams: [{ type: 'public-key', alg: -7 }],
    },
  })) as PublicKeyCredential & { response: AuthenticatorAttestationResponse };
  return { id: credential.id, coseKey: extractCoseKey(credential.response.attestationObject) };
}
