import { describe, expect, it } from 'vitest';
import {
  ancestryPlaces,
  encodeBase64url,
  historyAfter,
  isAncestor,
  nodesAfter,
} from '../../src/index.js';
import { fromHex, readVectors } from '../read-vectors.js';

interface Told {
  readonly counter: number;
  readonly previous: string;
  readonly history: string[];
}

interface Ancestry {
  readonly manifest: Told;
  readonly earlier: { readonly counter: number; readonly hash: string };
  readonly ancestry: readonly string[];
}

const vectors = readVectors<{
  readonly histories: readonly Told[];
  readonly accepted: readonly Ancestry[];
  readonly refused: readonly (Ancestry & { readonly name: string })[];
}>('vault-history');

const isAccepted = ({ manifest, earlier, ancestry }: Ancestry) =>
  isAncestor(manifest, { counter: earlier.counter, hash: fromHex(earlier.hash) }, ancestry);

const hashOf = (counter: number) => new Uint8Array(32).fill(counter);

/** A vault after so many manifests, and the nodes that a server has kept of it. */
function grow(counter: number) {
  let manifest: Told = { counter: 1, previous: '', history: [] };
  const kept = new Map<string, string>();
  while (manifest.counter < counter) {
    for (const { level, position, hash } of nodesAfter(manifest)) {
      kept.set(`${level} ${position}`, hash);
    }
    manifest = {
      counter: manifest.counter + 1,
      previous: encodeBase64url(hashOf(manifest.counter)),
      history: historyAfter(manifest),
    };
  }
  const ancestryOf = (earlier: number) =>
    ancestryPlaces(manifest.counter, earlier).map(
      ({ level, position }) => kept.get(`${level} ${position}`) ?? '',
    );
  return { manifest, kept, ancestryOf };
}

describe('history of a vault', () => {
  it('follows from the manifest before', () => {
    const byCounter = new Map(vectors.histories.map((one) => [one.counter, one]));
    let compared = 0;
    for (const one of vectors.histories) {
      const next = byCounter.get(one.counter + 1);
      if (next === undefined) continue;
      expect(historyAfter(one)).toEqual(next.history);
      compared++;
    }
    expect(compared).toBeGreaterThan(5);
  });

  it.each(vectors.accepted)(
    'shows the manifest $earlier.counter as an ancestor of $manifest.counter',
    (one) => {
      expect(isAccepted(one)).toBe(true);
    },
  );

  it.each(vectors.refused)('refuses: $name', (one) => {
    expect(isAccepted(one)).toBe(false);
  });

  it('is shown by the nodes that were kept, from every manifest to every later one', () => {
    for (let counter = 2; counter < 40; counter++) {
      const { manifest, ancestryOf } = grow(counter);
      for (let earlier = 1; earlier < counter; earlier++) {
        const ancestry = ancestryOf(earlier);
        const at = (hash: Uint8Array, position = earlier) =>
          isAncestor(manifest, { counter: position, hash }, ancestry);
        expect(at(hashOf(earlier))).toBe(true);
        expect(at(hashOf(earlier + 1))).toBe(false);
        expect(at(hashOf(earlier), earlier + 1)).toBe(false);
      }
    }
  });

  it('needs no more hashes than a counter has bits', () => {
    const counter = 2 ** 53 - 1;
    const [first, last] = [ancestryPlaces(counter, 1), ancestryPlaces(counter, counter - 2)];
    expect(first).toHaveLength(52);
    expect(first.at(-1)).toEqual({ level: 51, position: 1 });
    expect(last).toEqual([]);
    for (const earlier of [0, counter - 1, counter, counter + 1]) {
      expect(ancestryPlaces(counter, earlier)).toEqual([]);
    }
  });

  it('is not made from a manifest whose history is too short', () => {
    const { manifest } = grow(3);
    expect(() => nodesAfter({ ...manifest, history: [] })).toThrow(TypeError);
  });
});
