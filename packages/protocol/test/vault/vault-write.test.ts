import { describe, expect, it } from 'vitest';
import {
  encodeBase64url,
  fitsVault,
  formatIfMatch,
  limits,
  parseIfMatch,
  parseMessage,
  utf8,
  vaultEntrySchema,
  vaultEtag,
  vaultWriteSchema,
} from '../../src/index.js';
import { samples } from '../messages/samples.js';
import { codeOf } from '../read-vectors.js';

const { value } = samples.vaultWrite;
const entry = samples.vaultEntry.value;
const idOf = (n: number) => encodeBase64url(new Uint8Array(16).fill(n));
const blobs = (count: number, length: number) =>
  Array.from({ length: count }, (_, n) => ({
    id: idOf(n),
    blob: encodeBase64url(new Uint8Array(length)),
  }));
const takes = (write: object) => codeOf(() => parseMessage(vaultWriteSchema, write)) === undefined;

describe('write of a vault', () => {
  it('carries at least the manifest, and no more than a vault can hold', () => {
    expect(takes({ ...value, recipients: [], slots: [] })).toBe(true);
    const [recipient] = value.recipients;
    const recipients = (count: number) =>
      Array.from({ length: count }, (_, n) => ({ ...recipient, id: idOf(n) }));
    expect(takes({ ...value, recipients: recipients(16) })).toBe(true);
    expect(takes({ ...value, recipients: recipients(17) })).toBe(false);
    expect(takes({ ...value, slots: blobs(128, 300) })).toBe(true);
    expect(takes({ ...value, slots: blobs(129, 300) })).toBe(false);
  });

  it('refuses ids that occur twice', () => {
    const [recipient] = value.recipients;
    const [slot] = value.slots;
    expect(takes({ ...value, recipients: [recipient, recipient] })).toBe(false);
    expect(takes({ ...value, slots: [slot, slot] })).toBe(false);
  });

  it('bounds each blob and all of them together, in a write as in an entry', () => {
    for (const [slots, good] of [
      [blobs(1, limits.slotBlobBytes), true],
      [blobs(1, limits.slotBlobBytes + 1), false],
      [blobs(6, limits.slotBlobBytes), true],
      [[...blobs(6, limits.slotBlobBytes), { id: idOf(7), blob: 'A'.repeat(40) }], false],
      [blobs(128, 768), true],
      [blobs(128, 769), false],
      [blobs(1, 28), false],
    ] as const) {
      expect(takes({ ...value, slots })).toBe(good);
      const opened = codeOf(() => parseMessage(vaultEntrySchema, { ...entry, slots }));
      expect(opened === undefined).toBe(good);
    }
    expect(fitsVault(blobs(6, limits.slotBlobBytes))).toBe(true);
    expect(fitsVault(blobs(7, limits.slotBlobBytes))).toBe(false);
  });

  it('of a full vault sealed anew fits the body of a request, with all that goes along', () => {
    const full = {
      ...samples.recoveryEnrollment.value,
      registration: {
        ...samples.registration.value,
        response: {
          clientDataJSON: encodeBase64url(new Uint8Array(4096)),
          attestationObject: encodeBase64url(new Uint8Array(16 * 1024)),
        },
      },
      write: {
        ...value,
        manifest: encodeBase64url(new Uint8Array(limits.manifestBytes)),
        recipients: Array.from({ length: 16 }, (_, n) => ({ ...value.recipients[0], id: idOf(n) })),
        slots: blobs(128, 768),
      },
    };
    const parsed = parseMessage(samples.recoveryEnrollment.schema, full);
    expect(utf8(JSON.stringify(parsed)).length).toBeLessThan(limits.vaultBodyBytes);
  });
});

describe('entity tag of a vault', () => {
  const etag = vaultEtag(utf8('{"counter":1}'));

  it('[V6] honest: is the hash of the manifest, in quotes in the header', () => {
    expect(etag).toMatch(/^[\w-]{43}$/);
    expect(etag).not.toBe(vaultEtag(utf8('{"counter":2}')));
    expect(formatIfMatch(etag)).toBe(`"${etag}"`);
    expect(parseIfMatch(formatIfMatch(etag))).toBe(etag);
  });

  it.each([
    ['no header', null],
    ['none at all', undefined],
    ['an empty one', ''],
    ['any tag', '*'],
    ['no quotes', etag],
    ['a weak tag', `W/"${etag}"`],
    ['two tags', `"${etag}", "${etag}"`],
    ['a tag cut off', `"${etag.slice(1)}"`],
    ['a tag with unused bits set', `"${etag.slice(0, -1)}B"`],
    ['a line feed', `"${etag}"\n`],
    ['white space', ` "${etag}"`],
  ])('[V6] refuses %s: nothing is written blindly', (_, header) => {
    expect(codeOf(() => parseIfMatch(header))).toBe('invalid_request');
  });
});
