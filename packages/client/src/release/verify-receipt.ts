import {
  agentRequestHash,
  type Bytes,
  decodeBase64url,
  encodeBase64url,
  equalBytes,
  manifestSignatureMessage,
  type ParsedAgentRequest,
  type ParsedReceipt,
  parseAgentRequest,
  parseJson,
  parseManifest,
  parseReceipt,
  receiptHash,
  releaseChallenge,
  sha256,
  type VaultAgent,
  type VaultManifest,
} from '@pzk-auth/protocol';
import { verifyIdentitySignature } from '../vault/identity-key.js';
import { verifyPasskeySignature } from './passkey-signature.js';

/**
 * What is wrong with a receipt: `malformed`; its `manifest` is not signed by the identity key that it
 * names, or has another head than the receipt follows; its `request` is malformed, of another vault, for
 * a slot or by an agent that the manifest does not list, or not signed by that agent; its `approval` is
 * none by a passkey of the manifest over this very request.
 */
export type ReceiptFlaw = 'malformed' | 'manifest' | 'request' | 'approval';

/** A receipt that passed every check, docs/protocol.md section 13.5. */
export interface VerifiedReceipt {
  /** Its own hash, 32 bytes in base64url: what the next one names. */
  readonly hash: string;
  /** That of the receipt before; empty for the first of a vault. */
  readonly previous: string;
  /** What the agent asked for. `purpose` is in the agent's words. */
  readonly request: ParsedAgentRequest;
  /** As the manifest has it. */
  readonly agent: VaultAgent;
  /** The passkey that approved, base64url. */
  readonly credentialId: string;
  /** Origin of the page on which it did, as the browser says. */
  readonly origin: string;
  /** The vault's key that signed the manifest, base64url. Nothing here says whose vault it is. */
  readonly identityKey: string;
  /** Of that manifest. */
  readonly counter: number;
}

/** What {@link verifyReceipt} finds. */
export type ReceiptVerdict =
  | { readonly valid: true; readonly receipt: VerifiedReceipt }
  | { readonly valid: false; readonly flaw: ReceiptFlaw };

/** Bits of the flags, the byte after the hash of the RP id (WebAuthn L3 section 6.1). */
const FLAGS_OFFSET = 32;
const USER_PRESENT_AND_VERIFIED = 0x01 | 0x04;

async function readManifest(receipt: ParsedReceipt): Promise<VaultManifest | undefined> {
  try {
    const manifest = parseManifest(receipt.manifest);
    const identityKey = decodeBase64url(manifest.identity_key);
    const message = manifestSignatureMessage(manifest.vault_id, receipt.manifest);
    const signed = await verifyIdentitySignature(identityKey, receipt.manifestSignature, message);
    // The manifest under which a release was approved knows the one before: no receipt can be put in.
    const follows = manifest.receipts_head === encodeBase64url(receipt.previous);
    return signed && follows ? manifest : undefined;
  } catch {
    return undefined;
  }
}

async function readRequest(receipt: ParsedReceipt, manifest: VaultManifest) {
  try {
    const request = parseAgentRequest(receipt.request);
    const agent = manifest.agents.find(({ key }) => {
      return equalBytes(sha256(decodeBase64url(key)), request.agentKeyHash);
    });
    const fits =
      request.issuer === manifest.issuer &&
      request.vaultId === manifest.vault_id &&
      manifest.slots.some(({ id }) => id === request.slotId);
    if (agent === undefined || !fits) return undefined;
    const key = decodeBase64url(agent.key);
    // ECDSA P-256 with SHA-256, as the identity key.
    const signed = await verifyIdentitySignature(key, receipt.agentSignature, receipt.request);
    return signed ? { request, agent } : undefined;
  } catch {
    return undefined;
  }
}

/** Origin of an approval by a passkey of the manifest (WebAuthn L3 section 7.2), or nothing. */
async function readApproval(
  receipt: ParsedReceipt,
  manifest: VaultManifest,
): Promise<string | undefined> {
  const { authenticatorData, clientDataJSON, credentialId, nonce, signature } = receipt;
  const passkey = manifest.recipients.find((one) => one.credential_id === credentialId);
  const flags = authenticatorData[FLAGS_OFFSET] ?? 0;
  if (passkey === undefined) return undefined;
  if ((flags & USER_PRESENT_AND_VERIFIED) !== USER_PRESENT_AND_VERIFIED) return undefined;
  try {
    const client = parseJson(clientDataJSON);
    if (typeof client !== 'object' || client === null) return undefined;
    const data: Readonly<Record<string, unknown>> = { ...client };
    const challenge = releaseChallenge({ requestHash: agentRequestHash(receipt.request), nonce });
    if (data.type !== 'webauthn.get' || data.challenge !== encodeBase64url(challenge)) {
      return undefined;
    }
    if (typeof data.origin !== 'string' || (data.crossOrigin ?? false) !== false) return undefined;
    const coseKey = decodeBase64url(passkey.cose_key);
    const signed = { coseKey, authenticatorData, clientDataJSON, signature };
    return (await verifyPasskeySignature(signed)) ? data.origin : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Checks a receipt offline: that a passkey which the vault's manifest lists approved this very request of
 * an agent which it lists, too. It proves approval, not delivery, and that the vault is the user's only to
 * whom knows its identity key or the head of its receipts.
 */
export async function verifyReceipt(bytes: Uint8Array): Promise<ReceiptVerdict> {
  let receipt: ParsedReceipt;
  try {
    receipt = parseReceipt(bytes);
  } catch {
    return { valid: false, flaw: 'malformed' };
  }
  const manifest = await readManifest(receipt);
  if (manifest === undefined) return { valid: false, flaw: 'manifest' };
  const asked = await readRequest(receipt, manifest);
  if (asked === undefined) return { valid: false, flaw: 'request' };
  const origin = await readApproval(receipt, manifest);
  if (origin === undefined) return { valid: false, flaw: 'approval' };
  return {
    valid: true,
    receipt: Object.freeze({
      hash: encodeBase64url(receiptHash(bytes)),
      previous: encodeBase64url(receipt.previous),
      ...asked,
      credentialId: receipt.credentialId,
      origin,
      identityKey: manifest.identity_key,
      counter: manifest.counter,
    }),
  };
}

/** Receipts of an account, as `POST {base}/vault/receipts` gives them. */
export interface NumberedReceipt {
  readonly number: number;
  readonly receipt: Bytes;
}

/** What {@link verifyReceipts} takes. */
export interface VerifyReceiptsOptions {
  /** In order, without a gap. */
  readonly receipts: readonly NumberedReceipt[];
  /** Hash of the receipt before the first of them, base64url; absent where it is the vault's first. */
  readonly after?: string | undefined;
  /**
   * Vault that they are of, 16 bytes in base64url: those of a vault that it replaced are left out, and
   * nothing is said of them. Absent: of whichever vault, one after the other.
   */
  readonly vaultId?: string | undefined;
  /** Hash that the last of them must have, base64url: `receipts_head` of a manifest that was opened. */
  readonly head?: string | undefined;
}

/**
 * What {@link verifyReceipts} finds; `number` is that of the first receipt that is wrong. `unlinked`: it
 * does not follow from the one before. `head`: the last one is not that which the head names.
 */
export type ReceiptsVerdict =
  | { readonly valid: true; readonly receipts: readonly VerifiedReceipt[] }
  | {
      readonly valid: false;
      readonly number: number;
      readonly flaw: ReceiptFlaw | 'unlinked' | 'head';
    };

function isLinked(next: VerifiedReceipt, before: VerifiedReceipt | undefined, after: string) {
  if (before === undefined) return next.previous === after;
  if (next.request.issuer !== before.request.issuer) return false;
  // A vault that replaced another one (section 12.16) begins a chain of its own.
  if (next.request.vaultId !== before.request.vaultId) return next.previous === '';
  return next.previous === before.hash && next.counter > before.counter;
}

/** Whether a receipt says that it is of another vault. Nothing of it is verified. */
function isOfOther(vaultId: string, bytes: Bytes): boolean {
  try {
    return parseAgentRequest(parseReceipt(bytes).request).vaultId !== vaultId;
  } catch {
    return false;
  }
}

/**
 * Checks receipts and that none between them is missing, was changed or put in. Without `head` one that
 * was taken away at the end does not show, nor a list that somebody made anew as a whole.
 */
export async function verifyReceipts(options: VerifyReceiptsOptions): Promise<ReceiptsVerdict> {
  const { after = '', head, vaultId: only } = options;
  const given = options.receipts.filter(
    ({ receipt }) => only === undefined || !isOfOther(only, receipt),
  );
  const receipts: VerifiedReceipt[] = [];
  const vaults = new Set<string>();
  // What was left out in between shows as a gap.
  let expected = given[0]?.number ?? 1;
  for (const { number, receipt: bytes } of given) {
    const verdict = await verifyReceipt(bytes);
    if (!verdict.valid) return { valid: false, number, flaw: verdict.flaw };
    const { receipt } = verdict;
    const { vaultId } = receipt.request;
    const before = receipts.at(-1);
    const returns = vaults.has(vaultId) && before?.request.vaultId !== vaultId;
    if (number !== expected || returns || !isLinked(receipt, before, after)) {
      return { valid: false, number, flaw: 'unlinked' };
    }
    receipts.push(receipt);
    vaults.add(vaultId);
    expected = number + 1;
  }
  if (head !== undefined && (receipts.at(-1)?.hash ?? after) !== head) {
    return { valid: false, number: expected - 1, flaw: 'head' };
  }
  return { valid: true, receipts: Object.freeze(receipts) };
}
