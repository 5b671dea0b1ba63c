import { encodeBase64url, revokeChallenge } from '@pzk-auth/protocol';
import type { TestIssuer } from './issuer.js';
import { createTestVault, etagOf, type TestVault } from './test-vault.js';
import { createWireClient, type WireAnswer, type WireClient } from './wire-client.js';

/** Where ending a device departs from the rule. */
export interface RevokeChanges {
  readonly purpose?: 'session' | 'release';
  /** The device that the passkey signs for. */
  readonly signedFor?: string;
  /** Whose passkey signs. */
  readonly by?: WireClient;
  /** Changes the finished body. */
  readonly body?: Record<string, unknown>;
}

/** A device with its vault and a token. */
export interface VaultClient {
  readonly wire: WireClient;
  readonly account: string;
  /** Recipient id. */
  readonly recipient: string;
  /** Id of the device at the server. */
  readonly device: string;
  /** What this device has opened last; set it when a write was answered. */
  vault: TestVault;
  accessToken: string;
  /** A call by token. */
  call(path: string, body?: unknown, headers?: Record<string, string>): Promise<WireAnswer>;
  /** A write of the vault. */
  write(write: unknown, ifMatch?: string): Promise<WireAnswer>;
  /** Ends a device with a touch; `over` for attacks. */
  revoke(device: string, over?: RevokeChanges): Promise<WireAnswer>;
  /** Opens the vault with a touch; `counter` is that of the manifest that the device remembers. */
  open(counter?: number): Promise<WireAnswer>;
}

/** Wraps a client that has a token. */
export function vaultClient(
  issuer: TestIssuer,
  wire: WireClient,
  state: Pick<VaultClient, 'account' | 'recipient' | 'device' | 'vault' | 'accessToken'>,
): VaultClient {
  const client: VaultClient = {
    ...state,
    wire,
    call: (path, body = {}, headers = {}) =>
      wire.post(path, body, {
        dpop: { accessToken: client.accessToken, now: issuer.now() },
        headers: { authorization: `DPoP ${client.accessToken}`, ...headers },
      }),
    write: (write, ifMatch = etagOf(client.vault)) =>
      client.call('/vault', write, { 'if-match': `"${ifMatch}"` }),
    async revoke(device, { purpose, signedFor = device, by = wire, body } = {}) {
      const { nonce } = await wire.challenge(purpose ?? 'revoke');
      const fields = { issuer: issuer.verifier.issuer, device: signedFor, nonce };
      const credential = await by.sign(revokeChallenge(fields));
      return client.call('/devices/revoke', { device, nonce, credential, ...body });
    },
    async open(counter) {
      const challenge = await wire.challenge('session');
      const credential = await wire.assert(challenge);
      return wire.post('/vault/open', { nonce: challenge.nonce, credential, counter });
    },
  };
  return client;
}

/** The claims of a token, unverified. */
export function claimsOf(accessToken: string): Record<string, string> {
  return JSON.parse(Buffer.from(accessToken.split('.')[1] ?? '', 'base64url').toString());
}

/** Enrols a first device with its vault. */
export async function enrollWithVault(issuer: TestIssuer): Promise<VaultClient> {
  const { apiKey, row } = await issuer.verifier.keys.issue({ scopes: ['weather:read'] });
  const wire = await createWireClient(issuer, { apiKey });
  let made: ReturnType<typeof createTestVault> | undefined;
  const body = await wire.enrollBody(await wire.challenge('enroll'), (passkey) => {
    made = createTestVault(
      { credentialId: passkey.credentialId, coseKey: encodeBase64url(passkey.coseKey) },
      issuer.verifier.issuer,
    );
    return { recipient_key: made.recipient.hpke_key, vault: made.entry };
  });
  const answer = await wire.post('/enroll', body);
  if (answer.status !== 201 || made === undefined) throw new Error(answer.text);
  const accessToken = answer.body.access_token as string;
  return vaultClient(issuer, wire, {
    account: row.account,
    recipient: made.recipient.id,
    device: claimsOf(accessToken).device ?? '',
    vault: made.vault,
    accessToken,
  });
}
