import {
  decodeBase64url,
  encodeBase64url,
  isPzkError,
  type SlotKind,
  utf8,
  type VaultManifest,
  type VaultWrite,
} from '@pzk-auth/protocol';
import { expect, it } from 'vitest';
import type { VaultRow } from '../../src/index.js';
import { checkVaultWrite, type WriteExpectation } from '../../src/vault/write-check.js';
import { ISSUER } from '../harness/issuer.js';
import {
  addSlot,
  createSigningPair,
  createTestVault,
  type Draft,
  etagOf,
  makeRecipient,
  makeRecovery,
  makeSlot,
  makeWrite,
  random,
  rotateVault,
  seal,
  type TestVault,
} from '../harness/test-vault.js';

const coseKey = random(77);
/** Of the right length, and none on the curve. */
const NO_POINTS = [0, 1, 4].map((fill) => encodeBase64url(new Uint8Array(65).fill(fill)));

/** A stored vault with two passkeys, a recovery code, two slots and an agent. */
function storedVault(): {
  readonly row: VaultRow;
  readonly vault: TestVault;
  readonly own: string;
  readonly other: string;
  readonly code: string;
} {
  const first = createTestVault({ credentialId: random(20), coseKey });
  const other = makeRecipient({ credentialId: random(20), coseKey }, 1);
  const code = makeRecovery(1);
  const slot = makeSlot();
  const { after } = makeWrite(first.vault, (draft) => {
    draft.recipients.push(other.listed, code.listed);
    draft.slots.push(slot.listed);
    draft.agents.push({ id: random(16), name: 'Agent', key: createSigningPair().publicKey });
  });
  const parts = [
    { id: first.recipient.id, device: 'own', sealed: first.entry.sealed },
    { id: other.listed.id, device: 'other', sealed: other.sealed },
    { id: code.listed.id, device: '', sealed: code.sealed },
  ];
  const row: VaultRow = {
    account: 'account',
    vaultId: after.vaultId,
    manifest: encodeBase64url(after.bytes),
    manifestSignature: after.signature,
    etag: etagOf(after),
    slots: [...first.entry.slots, slot.sent],
    recipients: parts.map((part) => ({ ...part, pin: random(32) })),
    successions: [],
    recoveryKey: code.pair.publicKey,
  };
  const ids = { own: first.recipient.id, other: other.listed.id, code: code.listed.id };
  return { row, vault: after, ...ids };
}

type Stored = ReturnType<typeof storedVault>;

function check({ row, own }: Stored, write: VaultWrite, over: Partial<WriteExpectation> = {}) {
  return checkVaultWrite(row, write, { issuer: ISSUER, ifMatch: row.etag, writer: own, ...over });
}

function codeOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    return isPzkError(error) ? error.code : String(error);
  }
  return 'passed';
}

const expectRefused = (run: () => unknown) => expect(codeOf(run)).toBe('invalid_request');

it('honest: a slot is added, changed and deleted; the rest stays as it is stored', () => {
  const stored = storedVault();
  const added = addSlot(stored.vault);
  const checked = check(stored, added.write);
  const [kept, , fresh] = added.after.manifest.slots;
  expect(checked.next.slots.map(({ id }) => id)).toEqual(
    added.after.manifest.slots.map(({ id }) => id),
  );
  expect(checked.next.slots[0]).toEqual(stored.row.slots[0]);
  expect(checked.next.recipients).toEqual(stored.row.recipients);
  expect(checked.next.etag).toBe(etagOf(added.after));
  expect(checked.changes).toMatchObject({ rotated: false, slotsAdded: [fresh?.id] });

  const changed = makeSlot({ id: kept?.id ?? '', version: 2, kind: 'api-key' });
  const edited = makeWrite(
    stored.vault,
    (draft) => {
      draft.slots = [changed.listed];
    },
    { slots: [changed.sent] },
  );
  const second = check(stored, edited.write);
  expect(second.next.slots).toEqual([changed.sent]);
  expect(second.changes).toMatchObject({
    slotsChanged: [kept?.id],
    slotsRemoved: [stored.row.slots[1]?.id],
  });
});

it('[V6] a write that follows another manifest than the stored one is a conflict', () => {
  const stored = storedVault();
  const { write } = addSlot(stored.vault);
  expect(codeOf(() => check(stored, write, { ifMatch: random(32) }))).toBe('vault_conflict');
  expect(codeOf(() => check(stored, write))).toBe('passed');
});

it('[V2] a manifest that skips, repeats or forks is refused', () => {
  const stored = storedVault();
  const changes: ((draft: Draft) => void)[] = [
    (draft) => Object.assign(draft, { counter: draft.counter + 1, history: [random(32)] }),
    (draft) => Object.assign(draft, { counter: draft.counter - 1, history: [] }),
    (draft) => (draft.previous = random(32)),
    (draft) => (draft.issuer = 'https://other.example.com'),
    (draft) => (draft.vault_id = random(16)),
    (draft) => (draft.receipts_head = random(32)),
  ];
  for (const change of changes) {
    expectRefused(() => check(stored, makeWrite(stored.vault, change).write));
  }
  expect(codeOf(() => check(stored, makeWrite(stored.vault, () => {}).write))).toBe('passed');
});

it('[V2] a history that does not follow from the stored one is refused', () => {
  let stored = storedVault();
  for (let counter = 2; counter < 8; counter++) {
    const { after, write } = makeWrite(stored.vault, () => {});
    const forged = makeWrite(stored.vault, (draft) => {
      draft.history = draft.history.with(-1, random(32));
    });
    if (after.manifest.history.length > 0) expectRefused(() => check(stored, forged.write));
    const { next, history } = check(stored, write);
    expect(history).toHaveLength([0, 0, 1, 2, 1, 3, 1, 2][counter] ?? -1);
    stored = { ...stored, vault: after, row: next };
  }
});

it('[V3] a manifest that another key signed, with and without a succession, is refused', () => {
  const stored = storedVault();
  const { write } = addSlot(stored.vault);
  const forged = { ...write, manifest_signature: random(64) };
  expectRefused(() => check(stored, forged));
  // Whole, but by a key that nobody named.
  const foreign = { ...stored.vault, identity: createSigningPair() };
  expectRefused(() =>
    check(
      stored,
      makeWrite(foreign, (draft) => (draft.identity_key = foreign.identity.publicKey)).write,
    ),
  );
  expectRefused(() => check(stored, rotateVault(foreign, { by: stored.own }).write));
});

it('[V3] a recipient that nobody brought, or whose keys are swapped, is refused', () => {
  const stored = storedVault();
  const planted = makeRecipient({ credentialId: random(20), coseKey }, 3);
  const counter = stored.vault.manifest.counter + 1;
  const part = { id: planted.listed.id, sealed: planted.sealed };
  const plant = makeWrite(
    stored.vault,
    (draft) => draft.recipients.push({ ...planted.listed, counter }),
    { recipients: [part] },
  );
  expectRefused(() => check(stored, plant.write));
  for (const member of ['hpke_key', 'salt', 'cose_key', 'credential_id', 'generation'] as const) {
    const sealed = seal();
    const swapped = makeWrite(
      stored.vault,
      (draft) => {
        draft.recipients = draft.recipients.map((recipient) =>
          recipient.id === stored.other
            ? {
                ...makeRecipient(planted.listed as never, counter).listed,
                ...recipient,
                counter,
                [member]: { ...planted.listed, generation: 2 }[member],
              }
            : recipient,
        );
      },
      { recipients: [{ id: stored.other, sealed }] },
    );
    expectRefused(() => check(stored, swapped.write));
  }
});

it('[V3] honest: a recipient that an invitation brought joins with the pin that it sent', () => {
  const stored = storedVault();
  const counter = stored.vault.manifest.counter + 1;
  const { listed, sealed } = makeRecipient({ credentialId: random(20), coseKey }, counter);
  const write = makeWrite(stored.vault, (draft) => draft.recipients.push(listed), {
    recipients: [{ id: listed.id, sealed }],
  }).write;
  const joining = {
    id: listed.id,
    device: 'new',
    hpkeKey: listed.hpke_key,
    credentialId: listed.credential_id,
    coseKey: listed.cose_key,
    salt: listed.salt,
    generation: 1,
    pin: random(32),
  };
  const { next, changes } = check(stored, write, { joining });
  expect(next.recipients.at(-1)).toEqual({
    id: listed.id,
    device: 'new',
    sealed,
    pin: joining.pin,
  });
  expect(changes.recipientsAdded).toEqual([listed.id]);
  for (const over of [{ hpkeKey: random(65) }, { coseKey: random(77) }, { salt: random(32) }]) {
    expectRefused(() => check(stored, write, { joining: { ...joining, ...over } }));
  }
});

it('[V7] a recipient can be taken out after any number of successions, of which the newest stay', () => {
  let stored = storedVault();
  const all: unknown[] = [];
  for (let times = 0; times < 70; times++) {
    const { write, after } = rotateVault(stored.vault, { by: stored.own });
    stored = { ...stored, vault: after, row: check(stored, write).next };
    all.push(write.succession);
    expect(stored.row.successions).toEqual(all.slice(-64));
  }
  const { write } = rotateVault(stored.vault, { by: stored.own, without: [stored.other] });
  const { next } = check(stored, write);
  expect(next.recipients.map(({ id }) => id)).toEqual([stored.own, stored.code]);
  expect(next.successions).toEqual([...all, write.succession].slice(-64));
});

it('[V7] a recipient is dropped only together with another identity key', () => {
  const stored = storedVault();
  const drop = makeWrite(stored.vault, (draft) => {
    draft.recipients = draft.recipients.filter(({ id }) => id !== stored.other);
  });
  expectRefused(() => check(stored, drop.write));
  const { write, after } = rotateVault(stored.vault, { by: stored.own, without: [stored.other] });
  const checked = check(stored, write);
  expect(checked.next.recipients.map(({ id }) => id)).toEqual([stored.own, stored.code]);
  expect(checked.next.successions).toEqual([write.succession]);
  expect(checked.changes).toMatchObject({ rotated: true, recipientsRemoved: [stored.other] });
  // Its own pin is new, that of the code is the one that the code made.
  expect(checked.next.recipients[0]?.pin).not.toBe(stored.row.recipients[0]?.pin);
  expect(checked.next.recipients[1]?.pin).toBe(stored.row.recipients[2]?.pin);
  expect(after.manifest.slots.every(({ version }) => version === 2)).toBe(true);
});

it('[V7] a rotation that leaves anything under the old keys is refused', () => {
  const stored = storedVault();
  const whole = rotateVault(stored.vault, { by: stored.own });
  const identity = createSigningPair();
  const rotate = { identity, by: stored.own };
  // Nothing sealed anew, then slots alone, then recipients alone.
  expectRefused(() => check(stored, makeWrite(stored.vault, () => {}, { rotate }).write));
  for (const keep of ['slots', 'recipients'] as const) {
    const half = makeWrite(
      stored.vault,
      (draft) => {
        const other = keep === 'slots' ? 'recipients' : 'slots';
        Object.assign(draft, { [other]: whole.after.manifest[other] });
      },
      {
        rotate,
        ...(keep === 'slots'
          ? { recipients: whole.write.recipients }
          : { slots: whole.write.slots }),
      },
    );
    expectRefused(() => check(stored, half.write));
  }
  expectRefused(() => check(stored, rotateVault(stored.vault, { by: stored.other }).write));
  expectRefused(() => check(stored, { ...whole.write, succession: undefined }));
  const { succession } = whole.write;
  for (const over of [
    { counter: 9 },
    { previous: random(32) },
    { signature: random(64) },
    { old_identity_key: identity.publicKey },
  ]) {
    const forged = { ...whole.write, succession: succession && { ...succession, ...over } };
    expectRefused(() => check(stored, forged));
  }
  expect(codeOf(() => check(stored, whole.write))).toBe('passed');
});

it('[V7] the last passkey cannot go', () => {
  const stored = storedVault();
  const without = [stored.own, stored.other];
  expectRefused(() => check(stored, rotateVault(stored.vault, { by: stored.own, without }).write));
});

it('another recovery code replaces the one before only with another identity key', () => {
  const stored = storedVault();
  const counter = stored.vault.manifest.counter + 1;
  const made = makeRecovery(counter);
  const replace = (draft: Draft) => {
    draft.recipients = [...draft.recipients.filter(({ id }) => id !== stored.code), made.listed];
  };
  const part = { id: made.listed.id, sealed: made.sealed, pin: random(32) };
  expectRefused(() =>
    check(stored, makeWrite(stored.vault, replace, { recipients: [part] }).write),
  );
  const { after, write } = rotateVault(stored.vault, { by: stored.own, without: [stored.code] });
  const both = makeWrite(
    stored.vault,
    (draft) => {
      draft.slots = after.manifest.slots;
      draft.recipients = [...after.manifest.recipients, made.listed];
    },
    {
      rotate: { identity: createSigningPair(), by: stored.own },
      slots: write.slots,
      recipients: [...write.recipients, part],
    },
  );
  const checked = check(stored, both.write);
  expect(checked.next.recoveryKey).toBe(made.pair.publicKey);
  expect(checked.next.recipients.at(-1)).toMatchObject({ id: made.listed.id, device: '' });
  // Without its pin nobody could open it by the code.
  const bare = both.write.recipients.map(({ pin: _, ...rest }) => rest);
  expectRefused(() => check(stored, { ...both.write, recipients: bare }));
});

it('the writer alone renews its own keys of another PRF generation, with a pin, and never to none', () => {
  const stored = storedVault();
  const counter = stored.vault.manifest.counter + 1;
  const renew = (id: string, generation: number, pin?: string, over = {}) => {
    const { listed, sealed } = makeRecipient({ credentialId: 'x', coseKey }, counter, over);
    const { hpke_key, salt, sealed_hash } = listed;
    return makeWrite(
      stored.vault,
      (draft) => {
        draft.recipients = draft.recipients.map((recipient) =>
          recipient.id === id
            ? { ...recipient, hpke_key, salt, sealed_hash, counter, generation }
            : recipient,
        );
      },
      { recipients: [{ id, sealed, ...(pin === undefined ? {} : { pin }) }] },
    ).write;
  };
  const pin = random(32);
  expect(check(stored, renew(stored.own, 2, pin)).next.recipients[0]?.pin).toBe(pin);
  expectRefused(() => check(stored, renew(stored.own, 2)));
  expectRefused(() => check(stored, renew(stored.own, 0, pin)));
  expectRefused(() => check(stored, renew(stored.other, 2, pin)));
  expectRefused(() => check(stored, renew(stored.other, 2)));
  for (const point of NO_POINTS) {
    expectRefused(() => check(stored, renew(stored.own, 2, pin, { hpke_key: point })));
  }
});

it('[V12] a new recipient whose key is no point is refused', () => {
  const stored = storedVault();
  const counter = stored.vault.manifest.counter + 1;
  const join = (over = {}) => {
    const keys = { credentialId: random(20), coseKey };
    const { listed, sealed } = makeRecipient(keys, counter, over);
    const { write } = makeWrite(stored.vault, (draft) => draft.recipients.push(listed), {
      recipients: [{ id: listed.id, sealed }],
    });
    const joining = {
      id: listed.id,
      device: 'new',
      hpkeKey: listed.hpke_key,
      credentialId: listed.credential_id,
      coseKey,
      salt: listed.salt,
      generation: listed.generation,
      pin: random(32),
    };
    return codeOf(() => check(stored, write, { joining }));
  };
  for (const point of NO_POINTS) expect(join({ hpke_key: point })).toBe('invalid_request');
  expect(join()).toBe('passed');
});

it('[V1] blobs and sealed parts with another hash, for nobody, or missing are refused', () => {
  const stored = storedVault();
  const { write } = addSlot(stored.vault);
  const [sent] = write.slots;
  const blob = random(64);
  expectRefused(() => check(stored, { ...write, slots: [] }));
  expectRefused(() => check(stored, { ...write, slots: [{ id: sent?.id ?? '', blob }] }));
  expectRefused(() => check(stored, { ...write, slots: [...write.slots, makeSlot().sent] }));
  expectRefused(() => check(stored, { ...write, slots: [...write.slots, ...stored.row.slots] }));
  const own = { id: stored.own, sealed: seal() };
  expectRefused(() => check(stored, { ...write, recipients: [own] }));
  const stranger = { id: random(16), sealed: seal() };
  expectRefused(() => check(stored, { ...write, recipients: [stranger] }));
});

it('refuses what looks like plaintext, in a slot that is added and in one that is changed', () => {
  const stored = storedVault();
  const [own, other] = stored.vault.manifest.slots;
  const key = `sk-ant-api03-${random(64)}`;
  const encoded = (text: string) => encodeBase64url(utf8(text));
  const add = (kind: SlotKind, blob: string) => addSlot(stored.vault, { kind, blob }).write;
  const change = (was: VaultManifest['slots'][number] | undefined, blob: string) => {
    const slot = makeSlot({ id: was?.id ?? '', kind: was?.kind ?? 'secret', version: 2, blob });
    return makeWrite(
      stored.vault,
      (draft) => {
        draft.slots = draft.slots.map((each) => (each.id === was?.id ? slot.listed : each));
      },
      { slots: [slot.sent] },
    ).write;
  };
  // base64url as it stands, its text in base64url, and a document.
  for (const blob of [key, encoded(key), encoded(JSON.stringify({ name: 'Work', value: key }))]) {
    expectRefused(() => check(stored, add('secret', blob)));
    expectRefused(() => check(stored, change(other, blob)));
  }
  // The slot of the API key has no length of its own.
  for (const text of [key, `${key}\r\n`, JSON.stringify({ '\t': key })]) {
    expectRefused(() => check(stored, add('api-key', encoded(text))));
    expectRefused(() => check(stored, change(own, encoded(text))));
  }
  for (const bytes of [28 + 255, 28 + 257, 256]) {
    expectRefused(() => check(stored, add('secret', random(bytes))));
    expectRefused(() => check(stored, add('names', random(bytes))));
  }
  expect(codeOf(() => check(stored, add('secret', random(28 + 512))))).toBe('passed');
  expect(codeOf(() => check(stored, add('names', random(28 + 256))))).toBe('passed');
  expect(codeOf(() => check(stored, add('api-key', random(29))))).toBe('passed');
});

it('[V1] a slot changes neither its kind nor jumps a version', () => {
  const stored = storedVault();
  const [, was] = stored.vault.manifest.slots;
  for (const over of [{ version: 1 }, { version: 3 }, { version: 2, kind: 'api-key' as const }]) {
    const slot = makeSlot({ id: was?.id ?? '', kind: 'secret', ...over });
    const { write } = makeWrite(
      stored.vault,
      (draft) => {
        draft.slots = draft.slots.map((each) => (each.id === was?.id ? slot.listed : each));
      },
      { slots: [slot.sent] },
    );
    expectRefused(() => check(stored, write));
  }
  expectRefused(() => check(stored, addSlot(stored.vault, { version: 2 }).write));
});

it('the limit of all blobs counts what the vault then holds', () => {
  const stored = storedVault();
  let { row, vault } = stored;
  const size = 28 + 63 * 256;
  for (let count = 0; count < 6; count++) {
    const { after, write } = addSlot(vault, { size });
    row = check({ ...stored, row }, write).next;
    vault = after;
  }
  expectRefused(() => check({ ...stored, row }, addSlot(vault, { size }).write));
  expect(codeOf(() => check({ ...stored, row }, addSlot(vault).write))).toBe('passed');
});

it('[V9] the key of an agent is a point on the curve', () => {
  const stored = storedVault();
  const agent = (key: string) =>
    makeWrite(stored.vault, (draft) => draft.agents.push({ id: random(16), name: 'A', key })).write;
  const point = createSigningPair().publicKey;
  expect(check(stored, agent(point)).agents.at(-1)?.key).toBe(point);
  const off = decodeBase64url(point);
  off[40] = (off[40] ?? 0) ^ 1;
  expectRefused(() => check(stored, agent(encodeBase64url(off))));
});

it('[V10] the head of the receipts moves in a release alone, to the hash of its receipt', () => {
  const stored = storedVault();
  const head = random(32);
  const { write } = makeWrite(stored.vault, (draft) => (draft.receipts_head = head));
  expectRefused(() => check(stored, write));
  expect(codeOf(() => check(stored, write, { receiptsHead: head }))).toBe('passed');
  expectRefused(() => check(stored, write, { receiptsHead: random(32) }));
});
