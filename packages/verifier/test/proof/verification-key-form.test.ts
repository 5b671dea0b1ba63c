import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import {
  hashVerificationKey,
  lintVerificationKey,
  serializeVerificationKey,
  VerificationKeyError,
  type VerificationKeyFlaw,
} from '../../src/proof/verification-key.js';
import { q, toWords } from './points.js';
import { createTrapdoorKey, type VerificationKeyJson } from './trapdoor-key.js';

// What a key has to look like, apart from threads and curves: those are in verification-key.test.ts.

const { verificationKey: good } = createTrapdoorKey();
const target = [1, 2].map(() => [1, 2, 3].map(() => ['5', '6']));

const lint = (key: unknown, publicSignals = 2) =>
  lintVerificationKey(key, { publicSignals, trustedKeyHashes: [hashVerificationKey(key)] });

function refuses(key: unknown, flaw: VerificationKeyFlaw, hashes: readonly string[] = []) {
  const refused = expect.objectContaining({ code: 'verification_key_rejected', flaw });
  const run = () => lintVerificationKey(key, { publicSignals: 2, trustedKeyHashes: hashes });
  expect(run).toThrow(refused);
  expect(run).toThrow(VerificationKeyError);
}

/** Each place of a coordinate in a key, with a way to put something else there. */
function places(key: object): { name: string; put(value: unknown): unknown }[] {
  const found: { name: string; put(value: unknown): unknown }[] = [];
  const walk = (node: unknown, path: readonly (string | number)[]) => {
    if (typeof node === 'object' && node !== null) {
      for (const [name, value] of Object.entries(node)) walk(value, [...path, name]);
    } else if (path.length > 1) {
      found.push({
        name: path.join('.'),
        put(value) {
          const copy = structuredClone(key) as Record<string, unknown>;
          let at = copy;
          for (const step of path.slice(0, -1)) at = at[step] as Record<string, unknown>;
          at[path.at(-1) as string] = value;
          return copy;
        },
      });
    }
  };
  walk(key, []);
  return found;
}

describe('the form of a verification key', () => {
  it('[P11] honest: encodes a key in the order of the pairing equation', () => {
    const { vk_alpha_1, vk_beta_2, vk_gamma_2, vk_delta_2, IC } = good;
    const affine = [
      vk_alpha_1.slice(0, 2),
      ...[vk_beta_2, vk_gamma_2, vk_delta_2].map((point) => point.slice(0, 2).flat()),
      ...IC.map((point) => point.slice(0, 2)),
    ];
    const { encoded, hash } = lint(good);
    expect(Buffer.from(encoded).toString('hex')).toBe(
      Buffer.from(toWords(...affine.flat())).toString('hex'),
    );
    expect(hash).toBe(hashVerificationKey(good));
  });

  it('[P11] honest: takes the product of alpha and beta that snarkjs writes, and any count of signals', () => {
    expect(lint({ ...good, vk_alphabeta_12: target }).encoded).toEqual(lint(good).encoded);
    const one = createTrapdoorKey({ ic: [5n, 6n] }).verificationKey;
    expect(lint(one, 1).encoded).toHaveLength(64 + 3 * 128 + 2 * 64);
  });

  it("hashes the text with two spaces, snarkjs's order and a line feed", () => {
    const full = { ...good, vk_alphabeta_12: target };
    const shuffled = Object.fromEntries(Object.entries(full).reverse());
    const { IC, ...rest } = good;
    const text = `${JSON.stringify({ ...rest, vk_alphabeta_12: target, IC }, null, 2)}\n`;
    expect(serializeVerificationKey(shuffled)).toBe(text);
    expect(hashVerificationKey(shuffled)).toBe(createHash('sha256').update(text).digest('hex'));
  });

  it('[P11] refuses each coordinate in another spelling, or not below q', () => {
    const key = { ...good, vk_alphabeta_12: target };
    const spellings = [
      '',
      '01',
      '+1',
      '-1',
      ' 1',
      '1 ',
      '1\n',
      '1e3',
      '0x1',
      '1.0',
      `${q}`,
      `${q + 1n}`,
      '9'.repeat(78),
      1,
      null,
      true,
      ['1'],
      {},
    ];
    const all = places(key).filter(({ name }) => name !== 'nPublic');
    expect(all).toHaveLength(3 + 3 * 6 + 12 + 3 * 3);
    for (const { put } of all) {
      for (const value of spellings) {
        refuses(put(value), 'coordinate_not_canonical');
      }
    }
    expect(() =>
      lint(
        places(key)
          .find(({ name }) => name === 'vk_alpha_1.0')
          ?.put(`${q - 1n}`),
      ),
    ).not.toThrow();
    expect(() => lint({ ...good, vk_alpha_1: ['0', '2', '1'] })).not.toThrow();
  });

  it('[P11] refuses points that are not affine in z, and infinite ones', () => {
    const g1 = (point: string[]) => [
      { vk_alpha_1: point },
      ...[0, 1, 2].map((at) => ({ IC: good.IC.with(at, point) })),
    ];
    const g2 = (point: string[][]) =>
      ['vk_beta_2', 'vk_gamma_2', 'vk_delta_2'].map((name) => ({ [name]: point }));
    const [x2 = [], y2 = []] = good.vk_beta_2;
    const cases: [object[], VerificationKeyFlaw][] = [
      [g1(['3', '5', '0']), 'point_infinite'],
      [g1(['0', '0', '1']), 'point_infinite'],
      [g1(['0', '0', '0']), 'point_infinite'],
      [g1(['3', '5', '2']), 'point_not_affine'],
      [g2([x2, y2, ['0', '0']]), 'point_infinite'],
      [
        g2([
          ['0', '0'],
          ['0', '0'],
          ['1', '0'],
        ]),
        'point_infinite',
      ],
      [g2([x2, y2, ['1', '1']]), 'point_not_affine'],
      [g2([x2, y2, ['0', '1']]), 'point_not_affine'],
      [g2([x2, y2, ['2', '0']]), 'point_not_affine'],
    ];
    for (const [changes, flaw] of cases) {
      for (const change of changes) refuses({ ...good, ...change }, flaw);
    }
    // One coordinate may be zero.
    expect(() => lint({ ...good, vk_alpha_1: ['3', '0', '1'] })).not.toThrow();
  });

  it('[P11] refuses points that agree in x, whatever their y', () => {
    const at = (scalars: Parameters<typeof createTrapdoorKey>[0]) =>
      createTrapdoorKey(scalars).verificationKey;
    for (const scalars of [
      { beta: 1n },
      { gamma: 7n, delta: 7n },
      { gamma: 7n, delta: -7n },
      { beta: -55555555555n },
      { alpha: 111n },
      { alpha: -33333n },
      { ic: [5n, 9n, -9n] },
    ]) {
      refuses(at(scalars), 'points_related');
    }
    // In G2 both parts of x count; y does not.
    const [x = [], y = []] = good.vk_gamma_2;
    refuses({ ...good, vk_beta_2: [x, ['8', '9'], ['1', '0']] }, 'points_related');
    const near = { ...good, vk_beta_2: [[x[0], '7'], y, ['1', '0']] };
    expect(() => lint(near)).not.toThrow();
    refuses(
      { ...good, IC: good.IC.with(0, [good.vk_alpha_1[0] as string, '7', '1']) },
      'points_related',
    );
  });

  it('[P11] refuses another protocol, curve or number of signals', () => {
    for (const protocol of ['plonk', 'Groth16', '', null, 16])
      refuses({ ...good, protocol }, 'wrong_protocol');
    for (const curve of ['bls12381', 'BN128', '', null]) refuses({ ...good, curve }, 'wrong_curve');
    for (const nPublic of [1, 3, '2', null, 2.5])
      refuses({ ...good, nPublic }, 'wrong_signal_count');
    refuses({ ...good, IC: good.IC.slice(1) }, 'wrong_signal_count');
    refuses({ ...good, IC: [...good.IC, ['3', '5', '1']] }, 'wrong_signal_count');
    refuses({ ...good, IC: [] }, 'wrong_signal_count');
    refuses(createTrapdoorKey({ ic: [5n, 6n] }).verificationKey, 'wrong_signal_count');
  });

  it('[P11] refuses other shapes', () => {
    const shapes: Partial<
      Record<keyof VerificationKeyJson | 'vk_alphabeta_12', readonly unknown[]>
    > = {
      vk_alpha_1: [
        null,
        'x',
        {},
        [],
        ['3', '5'],
        ['3', '5', '1', '1'],
        { 0: '3', 1: '5', 2: '1', length: 3 },
      ],
      vk_beta_2: [
        null,
        [],
        good.vk_beta_2.slice(1),
        [...good.vk_beta_2, ['0', '0']],
        [['1'], ['2', '3'], ['1', '0']],
        [
          ['1', '2', '3'],
          ['2', '3'],
          ['1', '0'],
        ],
        ['1', '2', '1'],
      ],
      vk_alphabeta_12: [
        null,
        [],
        'x',
        [target[0]],
        [...target, target[0]],
        [target[0], []],
        [
          target[0],
          [
            ['5', '6'],
            ['5', '6'],
          ],
        ],
        [target[0], [['5'], ['5', '6'], ['5', '6']]],
      ],
      IC: [null, 'IC', {}, { length: 3 }, [null, ...good.IC.slice(1)], ['x', ...good.IC.slice(1)]],
    };
    for (const [name, values] of Object.entries(shapes)) {
      for (const value of values) refuses({ ...good, [name]: value }, 'malformed');
    }
  });

  it('[P11] refuses what is no object of the members of a key', () => {
    for (const key of [undefined, null, 'key', 7, true, [], [good], () => good, {}, 1n]) {
      refuses(key, 'malformed');
      expect(() => serializeVerificationKey(key)).toThrow(VerificationKeyError);
    }
    const cyclic: Record<string, unknown> = { ...good };
    cyclic.IC = cyclic;
    refuses(cyclic, 'malformed');
    for (const name of Object.keys(good)) {
      refuses(
        Object.fromEntries(Object.entries(good).filter(([each]) => each !== name)),
        'malformed',
      );
    }
    for (const extra of [
      { extra: 1 },
      { vk_alphabeta_2: target },
      { toJSON: undefined, IC2: [] },
    ]) {
      refuses({ ...good, ...extra }, 'malformed');
    }
    refuses(JSON.parse(JSON.stringify(good).replace('{', '{"__proto__":{},')), 'malformed');
  });

  it('[P11] uses what it has checked: an object that answers anew each time is copied first', () => {
    let reads = 0;
    const key = {
      ...good,
      get protocol() {
        return reads++ === 0 ? 'groth16' : 'plonk';
      },
    };
    const { hash } = lintVerificationKey(key, {
      publicSignals: 2,
      trustedKeyHashes: [hashVerificationKey(good)],
    });
    expect(hash).toBe(hashVerificationKey(good));
    expect(reads).toBe(1);
  });

  it('[P11] refuses a key that is not on the list, last', () => {
    const hash = hashVerificationKey(good);
    refuses(good, 'not_trusted');
    refuses(good, 'not_trusted', [hash.toUpperCase(), hash.slice(1), `${hash}0`]);
    refuses({ ...good, vk_alphabeta_12: target }, 'not_trusted', [hash]);
    expect(
      lintVerificationKey(good, { publicSignals: 2, trustedKeyHashes: ['x', hash] }).hash,
    ).toBe(hash);
    refuses({ ...good, protocol: 'plonk' }, 'wrong_protocol');
  });
});
