import { computeCommitment, isFieldElement, isPzkError, parseApiKey } from '@pzk-auth/protocol';
import type { Engine } from '../exchange/engine.js';
import { createKeyManager } from '../keys/key-manager.js';
import { randomId } from '../random-id.js';
import { refusal } from '../refuse.js';
import type { ApiKeyCaller } from '../session.js';
import type { AccountRow, KeyRow } from '../stores/durable-stores.js';
import type { RegisterCommitments } from './api-key-policy.js';
import { askApplication } from './ask-application.js';

/** 18 characters of printable ASCII can hold 112 bits, fewer cannot. */
const MINIMUM_CHARACTERS = 18;

/** A call that asks for the registration of its key. */
export interface CommitmentRequest {
  /** The plain API key, which the application has accepted. */
  readonly apiKey: string;
  /** Value of the header `PZK-Commitment`. */
  readonly commitment: string;
  readonly caller: ApiKeyCaller;
  readonly options: RegisterCommitments;
}

/** How it went: headers of the answer. */
export type RegistrationHeaders = Readonly<Record<string, string>>;

const REFUSED: RegistrationHeaders = { 'pzk-registration': 'refused' };

/**
 * The active account of a user; made and linked where there never was one. `undefined` where all are
 * ended: whoever ended them did not mean a new one to come by itself.
 */
async function accountOfUser(engine: Engine, user: string): Promise<string | undefined> {
  const { accounts } = engine.stores;
  const isActive = ({ revokedAt }: AccountRow) => revokedAt === undefined;
  const found = await accounts.listByUser(user);
  if (found.length > 0) return found.find(isActive)?.id;
  const id = randomId();
  await accounts.insert({ id, createdAt: engine.config.clock() });
  await accounts.linkUser(id, user);
  await engine.emit({ type: 'account_linked', account: id });
  // Of several calls at once all take the first account; the others, still empty, are ended.
  const first = (await accounts.listByUser(user)).find(isActive)?.id ?? id;
  if (first !== id) await accounts.revoke(id, engine.config.clock());
  return first;
}

/** Where the key is registered: in an account, or, with an empty object, in a new one. */
async function accountOf(
  engine: Engine,
  { caller, options }: CommitmentRequest,
): Promise<{ readonly account?: string } | undefined> {
  const chosen = await askApplication(() => options.account?.(caller));
  if (chosen !== undefined) {
    const row = await engine.stores.accounts.get(chosen);
    return row?.revokedAt === undefined ? { account: chosen } : undefined;
  }
  if (options.account !== undefined || caller.user === undefined) return {};
  const account = await accountOfUser(engine, caller.user);
  return account === undefined ? undefined : { account };
}

function scopesOf(engine: Engine, { caller, options }: CommitmentRequest): readonly string[] {
  const { scopes = caller.scopes } = options;
  return scopes.filter((scope) => engine.config.scopes.has(scope) && caller.scopes.includes(scope));
}

/** A key that is registered already is named to the user whose it is, while it is good. */
async function describeKnown(
  engine: Engine,
  key: KeyRow,
  request: CommitmentRequest,
): Promise<RegistrationHeaders> {
  const account = await engine.stores.accounts.get(key.account);
  const { options, caller } = request;
  const expected = await askApplication(() => options.account?.(caller));
  const own = expected === undefined ? account?.user === caller.user : account?.id === expected;
  const ended = key.expiresAt !== undefined && key.expiresAt <= engine.config.clock();
  if (!own || ended || key.revokedAt !== undefined || account?.revokedAt !== undefined) {
    return REFUSED;
  }
  return { 'pzk-registration': 'known', 'pzk-client-id': key.id };
}

/**
 * Registers the commitment of the key that a call was made with. The server holds the key in this call,
 * so it computes the commitment itself.
 *
 * @throws PzkError `invalid_request` for a malformed commitment, `commitment_mismatch` for that of
 * another key or issuer; nothing is changed then.
 */
export async function registerCommitment(
  engine: Engine,
  request: CommitmentRequest,
): Promise<RegistrationHeaders> {
  const { apiKey, commitment, options } = request;
  if (!isFieldElement(commitment)) {
    throw refusal('invalid_request', 'The commitment is no field element.');
  }
  const bytes = parseApiKey(apiKey);
  const computed = computeCommitment(bytes, engine.config.issuer);
  bytes.fill(0);
  if (computed !== commitment) {
    throw refusal('commitment_mismatch', 'The commitment is not that of the key.');
  }
  const known = await engine.stores.keys.findByCommitment(computed);
  if (known !== undefined) return describeKnown(engine, known, request);
  if (apiKey.length < MINIMUM_CHARACTERS || options.pattern?.test(apiKey) === false) return REFUSED;
  try {
    const owner = await accountOf(engine, request);
    if (owner === undefined) return REFUSED;
    const row = await createKeyManager(engine).register({
      commitment: computed,
      scopes: scopesOf(engine, request),
      demands: options.demands ?? 'passkey',
      ...owner,
    });
    return { 'pzk-registration': 'registered', 'pzk-client-id': row.id };
  } catch (error) {
    if (!isPzkError(error) || error.code !== 'commitment_known') throw error;
    const other = await engine.stores.keys.findByCommitment(computed);
    return other === undefined ? REFUSED : describeKnown(engine, other, request);
  }
}
