import {
  ancestryPlaces,
  encodeBase64url,
  formatManifest,
  historyAfter,
  nodesAfter,
  type Succession,
  sha256,
  successionMessage,
  type VaultManifest,
} from '@pzk-auth/protocol';
import { describe, expect, it } from 'vitest';
import { generateIdentityKey, type NewIdentityKey } from '../../src/vault/identity-key.js';
import { findSuccessions } from '../../src/vault/succession-chain.js';
import { findRollback } from '../../src/vault/vault-memory.js';
import { issuer, randomBytes, randomHistory, randomId } from './craft-vault.js';

const vaultId = randomId();
const by = randomId();

async function succeed(
  from: NewIdentityKey,
  to: NewIdentityKey,
  counter: number,
  previous = randomBytes(32),
): Promise<Succession> {
  const message = successionMessage({
    issuer,
    vaultId,
    oldIdentityKey: from.publicKey,
    newIdentityKey: to.publicKey,
    counter,
    previous,
    by,
  });
  return {
    old_identity_key: encodeBase64url(from.publicKey),
    identity_key: encodeBase64url(to.publicKey),
    counter,
    previous: encodeBase64url(previous),
    by,
    signature: encodeBase64url(await from.sign(message)),
  };
}

function manifestOf(signer: NewIdentityKey, counter: number, previous = ''): VaultManifest {
  return {
    issuer,
    vault_id: vaultId,
    identity_key: encodeBase64url(signer.publicKey),
    counter,
    previous,
    history: randomHistory(counter),
    recipients: [
      {
        id: by,
        hpke_key: encodeBase64url(signer.publicKey),
        credential_id: randomId(),
        cose_key: encodeBase64url(randomBytes(77)),
        salt: encodeBase64url(randomBytes(32)),
        generation: 1,
        counter,
        sealed_hash: encodeBase64url(randomBytes(32)),
      },
    ],
    slots: [],
    agents: [],
    receipts_head: '',
  };
}

const keys = () =>
  Promise.all([generateIdentityKey(), generateIdentityKey(), generateIdentityKey()]);
const keyText = ({ publicKey }: NewIdentityKey) => encodeBase64url(publicKey);

describe('successions', () => {
  it('[V3] honest: lead from a key to the signer, over any number of steps', async () => {
    const [first, second, third] = await keys();
    const previous = randomBytes(32);
    const chain = [await succeed(first, second, 3), await succeed(second, third, 5, previous)];
    const manifest = manifestOf(third, 5, encodeBase64url(previous));
    expect(await findSuccessions(manifest, keyText(first), chain)).toEqual(chain);
    expect(await findSuccessions(manifest, keyText(second), chain)).toEqual(chain.slice(1));
    expect(await findSuccessions(manifest, keyText(third), chain)).toEqual([]);
  });

  it('[V3] lead nowhere where counters do not rise, run ahead, or another manifest came before', async () => {
    const [first, second, third] = await keys();
    const previous = randomBytes(32);
    const last = await succeed(second, third, 5, previous);
    const manifest = manifestOf(third, 5, encodeBase64url(previous));
    const find = (chain: readonly Succession[], end = manifest) =>
      findSuccessions(end, keyText(first), chain);
    expect(await find([await succeed(first, second, 5), last])).toBeUndefined();
    expect(await find([await succeed(first, second, 6), last])).toBeUndefined();
    const start = await succeed(first, second, 3);
    expect(await find([start, last], manifestOf(third, 4))).toBeUndefined();
    const other = manifestOf(third, 5, encodeBase64url(randomBytes(32)));
    expect(await find([start, last], other)).toBeUndefined();
    expect(await find([start, last], { ...manifest, vault_id: randomId() })).toBeUndefined();
    expect(await find([start, last], { ...manifest, issuer: 'https://x.example' })).toBeUndefined();
    expect(await find([start])).toBeUndefined();
    expect(await find([last])).toBeUndefined();
  });

  it('[V2] are refused where they leave a key before what is remembered of it', async () => {
    const [first, second, third] = await keys();
    const remembered = manifestOf(first, 5);
    const bytes = formatManifest(remembered);
    const memory = {
      vaultId,
      identityKey: keyText(first),
      counter: 5,
      manifestHash: sha256(bytes),
    };
    /** A manifest some steps after what is remembered, and its ancestry. */
    const later = (signer: NewIdentityKey, counter: number) => {
      const nodes = new Map<string, string>();
      let manifest = remembered;
      while (manifest.counter < counter) {
        for (const { level, position, hash } of nodesAfter(manifest)) {
          nodes.set(`${level} ${position}`, hash);
        }
        const previous = encodeBase64url(sha256(formatManifest(manifest)));
        const next = manifestOf(signer, manifest.counter + 1, previous);
        manifest = { ...next, history: historyAfter(manifest) };
      }
      const ancestry = ancestryPlaces(counter, 5).map(
        ({ level, position }) => nodes.get(`${level} ${position}`) ?? '',
      );
      return { manifest, ancestry };
    };
    const check = (succession: Succession, counter: number, signer = second) => {
      const { manifest, ancestry } = later(signer, counter);
      const successions = [succession];
      const bytesNow = formatManifest(manifest);
      return findRollback(manifest, bytesNow, { memory, ancestry, successions });
    };
    // A device that was taken out, or never was: it signs with what it kept, behind what is known.
    const refused = expect.objectContaining({ code: 'vault_rollback' });
    for (const previous of [randomBytes(32), sha256(bytes)]) {
      const behind = await succeed(first, second, 4, previous);
      expect(await check(behind, 9)).toBe('later');
    }
    const fork = await succeed(first, second, 6);
    expect(await check(fork, 9)).toBe('later');
    const honest = await succeed(first, second, 6, sha256(bytes));
    await expect(check(honest, 9, third)).rejects.toEqual(refused);
    // Honest twin.
    expect(await check(honest, 9)).toBeUndefined();
    expect(await check(await succeed(first, second, 8), 9)).toBeUndefined();
  });
});
