import { randomBytes } from 'node:crypto';
import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import {
  decodeBase64url,
  encodeBase64url,
  isBase64url,
  PzkError,
  SEC1_POINT_BYTES,
} from '@pzk-auth/protocol';
import * as v from 'valibot';
import { type AgentKey, generateAgentKeyPem, importAgentKey } from '../platform/agent-key.js';

const id = v.pipe(
  v.string(),
  v.check((text) => isBase64url(text, 16)),
);

const pairingSchema = v.strictObject({
  issuer: v.string(),
  /** Of the platform's endpoints. */
  baseUrl: v.string(),
  vaultId: id,
  /** Identity key of the vault, base64url: what releases are judged by. */
  identityKey: v.pipe(
    v.string(),
    v.check((text) => isBase64url(text, SEC1_POINT_BYTES)),
  ),
  /** Our public key, base64url, as the vault lists it. */
  agentKey: v.pipe(
    v.string(),
    v.check((text) => isBase64url(text, SEC1_POINT_BYTES)),
  ),
  /** What people call this broker. */
  name: v.string(),
  /** Milliseconds since the epoch. */
  pairedAt: v.number(),
  /** The platform has shown another identity key: nothing goes on before a new pairing. */
  stopped: v.boolean(),
});

/** A vault that this broker is an agent of. */
export type Pairing = v.InferOutput<typeof pairingSchema>;

/** Pairings with their signing keys, below the state directory. */
export interface PairingStore {
  /** Reads them anew: another process of this program may have paired. Damaged ones are left out. */
  list(): readonly Pairing[];
  /** Vault ids of pairings that cannot be read: remove them and pair anew. */
  listDamaged(): readonly string[];
  /**
   * The one of a vault, or the only one.
   *
   * @throws PzkError `invalid_request`, `not_found`
   */
  find(vaultId: string | undefined): Pairing;
  /** Whether a pairing still stands: not forgotten since, nor made anew with another key on either side. */
  holds(pairing: Pairing): boolean;
  /**
   * The key of a pairing.
   *
   * @throws PzkError `not_found` where this process has another one.
   */
  loadKey(pairing: Pairing): Promise<AgentKey>;
  /**
   * The key that a pairing starts with; kept by {@link PairingStore.save}. A vault that is paired anew
   * has the same one, so that it does not list this broker twice; one whose pairing is damaged has
   * another, as nothing says what issuer the key is for.
   */
  keyPemFor(vaultId: string): string;
  /**
   * Refuses a pairing in the place of one of another issuer, and of one with another identity key unless
   * the user has said that it `replaces` that. Ids of vaults are chosen by whoever makes one.
   *
   * @throws PzkError `issuer_mismatch`, `vault_identity_changed`
   */
  assertOwn(
    pairing: Pick<Pairing, 'issuer' | 'vaultId'> & { readonly identityKey?: string },
    replaces: boolean,
  ): void;
  /** Replaces a pairing with the same vault, and its key. */
  save(pairing: Pairing, keyPem: string): void;
  /** Marks a pairing as stopped; one that was made anew since stays as it is. */
  stop(pairing: Pairing): void;
  /** `false` if there was none. */
  remove(vaultId: string): boolean;
}

/** Written aside and renamed: after a crash stands the old file or the new one. */
function writePrivate(path: string, content: string): void {
  const aside = `${path}.${randomBytes(4).toString('hex')}`;
  try {
    writeFileSync(aside, content, { mode: 0o600, flag: 'wx', flush: true } as object);
    renameSync(aside, path);
  } catch (error) {
    rmSync(aside, { force: true });
    throw error;
  }
  // The name, too, is there after a power failure.
  const directory = openSync(dirname(path), 'r');
  try {
    fsyncSync(directory);
  } finally {
    closeSync(directory);
  }
}

/**
 * @param directory - Private to the broker's user.
 * @param credential - Path of a signing key that systemd hands over; it then serves each pairing.
 */
export function createPairingStore(
  directory: string,
  credential: string | undefined,
): PairingStore {
  const root = join(directory, 'pairings');
  mkdirSync(root, { recursive: true, mode: 0o700 });
  const fileOf = (vaultId: string) => join(root, vaultId, 'pairing.json');
  const keyOf = (vaultId: string) => join(root, vaultId, 'signing-key.pem');

  /** `undefined` where there is none, or it is damaged: one such file stops no other vault. */
  function read(vaultId: string): Pairing | undefined {
    try {
      return v.parse(pairingSchema, JSON.parse(readFileSync(fileOf(vaultId), 'utf8')));
    } catch {
      return undefined;
    }
  }

  const vaultIds = () => readdirSync(root).filter((name) => v.is(id, name));

  const list = () => vaultIds().flatMap((vaultId) => read(vaultId) ?? []);

  function holds({ vaultId, identityKey, agentKey }: Pairing): boolean {
    const now = read(vaultId);
    return now?.identityKey === identityKey && now.agentKey === agentKey;
  }

  return {
    list,
    listDamaged: () => vaultIds().filter((vaultId) => read(vaultId) === undefined),
    find(vaultId) {
      const all = list();
      if (vaultId === undefined && all.length > 1) {
        throw new PzkError('invalid_request', 'The broker is paired with several vaults.', {
          hint: 'Say which one: the id of the vault as `vault`.',
        });
      }
      const found = vaultId === undefined ? all[0] : all.find((one) => one.vaultId === vaultId);
      if (found === undefined) {
        throw new PzkError('not_found', 'The broker is not paired with this vault.', {
          hint: 'Pair it: pzk-broker pair --issuer URL --code CODE.',
        });
      }
      return found;
    },
    holds,
    async loadKey({ vaultId, agentKey }) {
      const key = await importAgentKey(readFileSync(credential ?? keyOf(vaultId)));
      if (encodeBase64url(key.publicKey) === agentKey) return key;
      throw new PzkError('not_found', 'The vault lists another signing key of this broker.', {
        hint: 'Pair anew, with the same signing key (credential or file) that the broker runs with.',
      });
    },
    keyPemFor(vaultId) {
      if (credential !== undefined) return readFileSync(credential, 'utf8');
      const isKnown =
        v.is(id, vaultId) && read(vaultId) !== undefined && existsSync(keyOf(vaultId));
      return isKnown ? readFileSync(keyOf(vaultId), 'utf8') : generateAgentKeyPem();
    },
    assertOwn({ issuer, vaultId, identityKey }, replaces) {
      const known = v.is(id, vaultId) ? read(vaultId) : undefined;
      if (known === undefined) return;
      if (known.issuer !== issuer) {
        throw new PzkError('issuer_mismatch', 'The broker has this vault at another platform.', {
          hint: `No two platforms have the same vault: somebody took its id. To give the other one up: pzk-broker unpair --vault ${vaultId}.`,
        });
      }
      if (identityKey === undefined || known.identityKey === identityKey || replaces) return;
      throw new PzkError(
        'vault_identity_changed',
        'The broker knows this vault by another identity key: nothing was paired.',
        {
          hint: 'It gets another one when a device is removed. If the user says that this was so: start another pairing, and add --replace here. Else it is the vault of somebody else.',
        },
      );
    },
    save(pairing, keyPem) {
      mkdirSync(join(root, pairing.vaultId), { recursive: true, mode: 0o700 });
      // The key first: a pairing without its key would be of no use.
      if (credential === undefined) writePrivate(keyOf(pairing.vaultId), keyPem);
      writePrivate(fileOf(pairing.vaultId), `${JSON.stringify(pairing, undefined, 2)}\n`);
    },
    stop(pairing) {
      const { vaultId, pairedAt } = pairing;
      const now = read(vaultId);
      if (now?.pairedAt !== pairedAt) return;
      writePrivate(fileOf(vaultId), `${JSON.stringify({ ...now, stopped: true })}\n`);
    },
    remove(vaultId) {
      if (!vaultIds().includes(vaultId)) return false;
      rmSync(join(root, vaultId), { recursive: true });
      return true;
    },
  };
}

/** The identity key of a pairing. */
export function identityKeyOf(pairing: Pairing) {
  return decodeBase64url(pairing.identityKey);
}
