import { describe, expect, it } from 'vitest';
import { decodeBase64url, parseMessage, vaultExportSchema } from '../../src/index.js';
import { codeOf, readVectors } from '../read-vectors.js';

interface Vectors {
  readonly document: { readonly entry: { readonly slots: readonly { blob: string }[] } };
  readonly opened: { readonly exportedAt: number };
  readonly refused: readonly { readonly name: string; readonly document: unknown }[];
}
const { document, opened, refused } = readVectors<Vectors>('vault-export');
/** What the form alone shows; the others need the code. */
const MALFORMED = /format|unknown member|time/;

describe('the form of an export', () => {
  it('is read as it is', () => {
    const read = parseMessage(vaultExportSchema, document);
    expect(read).toEqual(document);
    expect(read.exported_at).toBe(opened.exportedAt);
    expect(read.entry.slots.map(({ blob }) => decodeBase64url(blob).length > 28)).toEqual([
      true,
      true,
      true,
    ]);
  });

  it('is refused with members that nobody knows, and a time of another type', () => {
    const malformed = refused.filter(({ name }) => MALFORMED.test(name));
    expect(malformed).toHaveLength(7);
    for (const { name, document: one } of malformed) {
      expect(
        codeOf(() => parseMessage(vaultExportSchema, one)),
        name,
      ).toBe('invalid_request');
    }
  });
});
