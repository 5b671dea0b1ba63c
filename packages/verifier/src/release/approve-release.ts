import {
  agentRequestHash,
  decodeBase64url,
  encodeBase64url,
  isAgentRequestTimely,
  limits,
  type ParsedReceipt,
  parseAgentRequest,
  parseIfMatch,
  parseManifest,
  parseMessage,
  parseReceipt,
  type ReleaseRequest,
  receiptHash,
  releaseChallenge,
  releaseRequestSchema,
  releaseSignatureMessage,
  sha256,
  type VaultManifest,
  type VaultWriteResponse,
} from '@pzk-auth/protocol';
import { verifyTouch } from '../exchange/device-assertion.js';
import type { Engine } from '../exchange/engine.js';
import { openNonceOf } from '../exchange/open-exchange.js';
import { spendTouch } from '../exchange/spend-touch.js';
import { assertNoPrfResults } from '../http/prf-results.js';
import { readJson } from '../http/read-body.js';
import { refusal } from '../refuse.js';
import type { ReleaseRow, VaultRow } from '../stores/vault-stores.js';
import { commitWrite } from '../vault/commit-write.js';
import { isSignedByP256 } from '../vault/p256.js';
import { authenticateVaultCaller } from '../vault/vault-caller.js';
import { assertUnchanged, checkVaultWrite } from '../vault/write-check.js';
import { requestIds, requestOfAccount } from './release-row.js';
import { isWaiting } from './waiting-requests.js';

const ENDPOINT = '/vault/releases';

function refuse(reason: string): never {
  throw refusal('invalid_request', reason);
}

/** Whether the vault still knows agent and slot of a request, and its end is still to come. */
function assertStandsStill(row: ReleaseRow, manifest: VaultManifest, now: number): void {
  const parsed = parseAgentRequest(decodeBase64url(row.request));
  const agent = manifest.agents.find(({ id }) => id === row.agent);
  const isPaired =
    agent !== undefined &&
    encodeBase64url(sha256(decodeBase64url(agent.key))) === encodeBase64url(parsed.agentKeyHash);
  if (!isPaired) refuse('The agent is not paired any more.');
  if (!manifest.slots.some(({ id }) => id === row.slot)) refuse('The slot is not there any more.');
  if (!isAgentRequestTimely(parsed, Math.floor(now / 1000))) refuse('Its end has come.');
}

/** Whether a receipt says what the server knows: nothing in it comes from elsewhere. */
function assertReceiptFits(
  receipt: ParsedReceipt,
  message: ReleaseRequest,
  known: { readonly row: ReleaseRow; readonly vault: VaultRow; readonly head: string },
): void {
  const { response, id } = message.credential;
  const { row, vault, head } = known;
  const fits =
    encodeBase64url(receipt.request) === row.request &&
    encodeBase64url(receipt.agentSignature) === row.signature &&
    receipt.nonce === message.nonce &&
    encodeBase64url(receipt.previous) === head &&
    encodeBase64url(receipt.authenticatorData) === response.authenticatorData &&
    encodeBase64url(receipt.clientDataJSON) === response.clientDataJSON &&
    encodeBase64url(receipt.signature) === response.signature &&
    receipt.credentialId === id &&
    encodeBase64url(receipt.manifest) === vault.manifest &&
    encodeBase64url(receipt.manifestSignature) === vault.manifestSignature;
  if (!fits) refuse('The receipt is not that of this approval.');
}

/**
 * `POST {base}/vault/releases`: the user has approved a request with a touch. What is sealed for the
 * broker, the receipt and the manifest that notes it are stored together or not at all; of parallel
 * approvals exactly one is.
 */
export async function approveRelease(
  engine: Engine,
  request: Request,
): Promise<VaultWriteResponse> {
  const { config, limits: budgets } = engine;
  const body = await readJson(request, limits.vaultBodyBytes);
  assertNoPrfResults((body as { credential?: unknown } | null)?.credential);
  const message = parseMessage(releaseRequestSchema, body);
  const ifMatch = parseIfMatch(request.headers.get('if-match'));
  const receiptBytes = decodeBase64url(message.receipt);
  const receipt = parseReceipt(receiptBytes);
  const caller = await authenticateVaultCaller(engine, request, ENDPOINT);
  const { vault, recipient, session, device } = caller;
  await budgets.countExchange(session.key);
  const exchange = openNonceOf(engine, session, { purpose: 'release', nonce: message.nonce });

  const row = await requestOfAccount(engine, message.id, vault.account);
  const now = config.clock();
  if (!isWaiting(row, now)) throw refusal('vault_conflict', 'The request does not wait any more.');
  assertUnchanged(vault, ifMatch);
  const before = parseManifest(decodeBase64url(vault.manifest));
  assertStandsStill(row, before, now);
  const requestHash = agentRequestHash(decodeBase64url(row.request));
  const { nonce, credential } = message;
  const challenge = releaseChallenge({ requestHash, nonce });
  const asserted = await verifyTouch(engine, device, { credential, challenge, nonce });
  assertReceiptFits(receipt, message, { row, vault, head: before.receipts_head });
  const { enc, ct, signature } = message;
  const sealed = { vaultId: vault.vaultId, requestHash };
  const signed = releaseSignatureMessage({
    ...sealed,
    enc: decodeBase64url(enc),
    ct: decodeBase64url(ct),
  });
  if (!isSignedByP256(before.identity_key, signed, signature)) {
    refuse('The identity key has not signed the release.');
  }
  // The broker has pinned the identity key; another one in the same moment it would refuse.
  if (message.write.succession !== undefined) refuse('A release changes no identity key.');
  const checked = checkVaultWrite(vault, message.write, {
    issuer: config.issuer,
    ifMatch,
    writer: recipient.id,
    receiptsHead: encodeBase64url(receiptHash(receiptBytes)),
  });

  await spendTouch(engine, { session, exchange, asserted, endpoint: ENDPOINT });
  const at = config.clock();
  const release = { request: row.id, at, enc, ct, signature, receipt: message.receipt };
  await commitWrite(engine, ifMatch, checked, { release });
  await engine.emit({ type: 'release_approved', device: device.id, ...requestIds(row) });
  return { etag: checked.next.etag };
}
