import {
  type Assertion,
  agentRequestHash,
  type Bytes,
  decodeBase64url,
  encodeBase64url,
  formatReceipt,
  isReleasableValue,
  PzkError,
  type ReleaseRequest,
  receiptHash,
  releaseSealInfo,
  releaseSignatureMessage,
} from '@pzk-auth/protocol';
import { type HpkeSealed, importHpkePublicKey, sealHpke } from '../vault/hpke.js';
import { type PreparedWrite, prepareWrite } from '../vault/prepare-write.js';
import { readSlotValue } from '../vault/slot-changes.js';
import { signAsVault, type UnlockedVault } from '../vault/unlocked-vault.js';
import { assertCompared } from '../vault/vault-memory.js';
import { assertAsShown, type CheckedRequest, checkAgentRequest } from './check-request.js';
import { verifyReceipt } from './verify-receipt.js';

/** An approval that the passkey has signed. */
export interface SignedApproval {
  /** Bytes of the request that the user saw. */
  readonly request: Bytes;
  /** What they stood for when the user saw them. */
  readonly shown: CheckedRequest;
  /** The agent's over them. */
  readonly agentSignature: Bytes;
  readonly nonce: string;
  readonly assertion: Assertion;
  /** Now by each clock, seconds since the epoch. */
  readonly times: readonly number[];
}

/**
 * Reads a value that is to be released.
 *
 * @throws PzkError `api_key_malformed` where no broker takes it; `vault_slot_damaged`
 */
async function readReleasable(vault: UnlockedVault, slotId: string): Promise<Bytes> {
  const value = await readSlotValue(vault, slotId);
  if (isReleasableValue(value)) return value;
  value.fill(0);
  throw new PzkError('api_key_malformed', 'No broker takes the value of this slot.', {
    hint: 'Keys have at least 8 characters of printable ASCII, and no white space around them. Enter the right one, or reject the request.',
  });
}

/** Looks before the touch, which would be in vain. Throws as {@link readReleasable}. */
export async function assertReleasable(vault: UnlockedVault, slotId: string): Promise<void> {
  (await readReleasable(vault, slotId)).fill(0);
}

async function sealValue(
  vault: UnlockedVault,
  slotId: string,
  hpkeKey: Bytes,
  requestHash: Bytes,
): Promise<HpkeSealed> {
  let publicKey: CryptoKey;
  try {
    publicKey = await importHpkePublicKey(hpkeKey);
  } catch (cause) {
    throw new PzkError('release_request_invalid', 'The key of the request is none.', { cause });
  }
  const value = await readReleasable(vault, slotId);
  try {
    return await sealHpke(publicKey, releaseSealInfo(requestHash), value);
  } finally {
    value.fill(0);
  }
}

/** The receipt, which is checked as anybody else will: it goes into the vault for good. */
async function makeReceipt(
  { manifest, bytes, signature }: UnlockedVault,
  approval: SignedApproval,
): Promise<Bytes> {
  const { response, id } = approval.assertion;
  const { receipts_head: head } = manifest;
  const receipt = formatReceipt({
    request: approval.request,
    agentSignature: approval.agentSignature,
    nonce: approval.nonce,
    previous: head === '' ? new Uint8Array() : decodeBase64url(head),
    authenticatorData: decodeBase64url(response.authenticatorData),
    clientDataJSON: decodeBase64url(response.clientDataJSON),
    signature: decodeBase64url(response.signature),
    credentialId: id,
    manifest: bytes,
    manifestSignature: signature,
  });
  const verdict = await verifyReceipt(receipt);
  if (verdict.valid) return receipt;
  throw new PzkError('passkey_unavailable', 'The answer of the passkey proves no approval.', {
    hint: 'Use the passkey of this device, which the vault lists.',
  });
}

/**
 * Makes a release (docs/protocol.md section 13.4): the value of the slot sealed to the key of the
 * request, signed by the vault, its receipt, and the write that notes the receipt.
 *
 * @throws PzkError `vault_compare_required`, `release_request_invalid`, `api_key_malformed`, `vault_conflict`,
 * `passkey_unavailable`
 */
export async function prepareRelease(
  vault: UnlockedVault,
  approval: SignedApproval,
): Promise<{ readonly prepared: PreparedWrite; readonly body: ReleaseRequest }> {
  const { manifest, memory } = vault;
  assertCompared(memory);
  // Once more, against the vault as it is now: the agent may have been taken out meanwhile.
  const checked = await checkAgentRequest(
    manifest,
    approval.request,
    approval.agentSignature,
    approval.times,
  );
  assertAsShown(checked, approval.shown);
  const { request } = checked;
  const receipt = await makeReceipt(vault, approval);
  const requestHash = agentRequestHash(approval.request);
  const { enc, ct } = await sealValue(vault, request.slotId, request.hpkeKey, requestHash);
  const vaultId = manifest.vault_id;
  const message = releaseSignatureMessage({ vaultId, requestHash, enc, ct });
  const signature = await signAsVault(vault, message);
  const head = encodeBase64url(receiptHash(receipt));
  const prepared = await prepareWrite(vault, { manifest: { receipts_head: head } });
  return {
    prepared,
    body: {
      id: request.requestId,
      nonce: approval.nonce,
      credential: approval.assertion,
      enc: encodeBase64url(enc),
      ct: encodeBase64url(ct),
      signature: encodeBase64url(signature),
      receipt: encodeBase64url(receipt),
      write: prepared.write,
    },
  };
}
