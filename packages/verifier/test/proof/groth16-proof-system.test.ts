import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Worker } from 'node:worker_threads';
import { groth16 } from 'snarkjs';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import {
  createGroth16ProofSystem,
  type Groth16ProofSystemOptions,
} from '../../src/proof/groth16-proof-system.js';
import type { ProofStatement, ProofSystem } from '../../src/proof/proof-system.js';
import { hashVerificationKey } from '../../src/proof/verification-key.js';
import {
  type GenuineProof,
  genuineKey,
  proveGenuinely,
  trustedKeyHashes,
} from './genuine-proof.js';
import { encodeSnarkjsProof, q, r, withCoordinate } from './points.js';
import { createTrapdoorKey } from './trapdoor-key.js';

const trapdoor = createTrapdoorKey();
const statement: ProofStatement = { commitment: '3', context: '4' };
const proof = trapdoor.prove([3n, 4n]);

const systems: ProofSystem[] = [];
function create(options: Partial<Groth16ProofSystemOptions> = {}): ProofSystem {
  const system = createGroth16ProofSystem({
    circuitId: 'test/v1',
    verificationKey: trapdoor.verificationKey,
    trustedKeyHashes: [hashVerificationKey(trapdoor.verificationKey)],
    workers: 1,
    timeout: 60_000,
    ...options,
  });
  systems.push(system);
  return system;
}

afterEach(async () => {
  await Promise.all(systems.splice(0).map((system) => system.close()));
});
afterAll(async () => {
  await globalThis.curve_bn128?.terminate();
});

const outcome = (promise: Promise<boolean>): Promise<unknown> =>
  promise.catch((error: { code?: unknown }) => error.code);

describe('proof system', () => {
  let genuine: GenuineProof;
  beforeAll(async () => {
    genuine = await proveGenuinely(42n, [1n, 2n, 3n, 4n]);
  });

  it('[L1, P7] honest: proofs of the circuit verify under its key', async () => {
    const system = create({ verificationKey: genuineKey, trustedKeyHashes });
    const [commitment, context] = genuine.publicSignals;
    const bytes = encodeSnarkjsProof(genuine.proof);
    expect(await system.verify({ commitment, context }, bytes)).toBe(true);
    expect(await system.verify({ commitment, context }, bytes, { lane: 'enroll' })).toBe(true);
    expect(await system.verify({ commitment, context: '43' }, bytes)).toBe(false);
  });

  it('[P7] refuses a proof of one circuit under the key of another', async () => {
    const [commitment, context] = genuine.publicSignals;
    const system = create();
    expect(await system.verify({ commitment, context }, encodeSnarkjsProof(genuine.proof))).toBe(
      false,
    );
    const published = create({ verificationKey: genuineKey, trustedKeyHashes });
    expect(await published.verify(statement, proof)).toBe(false);
    expect(await system.verify(statement, proof)).toBe(true);
  });

  it('[P2, P4, L1] refuses every spelling but the canonical one, also those that snarkjs takes', async () => {
    const [commitment, context] = genuine.publicSignals;
    const system = create({ verificationKey: genuineKey, trustedKeyHashes });
    const bytes = encodeSnarkjsProof(genuine.proof);
    const number = BigInt(commitment);
    const hex = `0x${number.toString(16)}`;
    for (const spelling of [hex, `0${commitment}`, number]) {
      expect(await groth16.verify(genuineKey, [spelling, context], genuine.proof)).toBe(true);
    }
    const spellings: unknown[] = [
      ...[hex, hex.slice(2), `0${commitment}`, `+${commitment}`, `-${commitment}`, number],
      ...[
        ` ${commitment}`,
        `${commitment} `,
        `${commitment}\n`,
        `${commitment}.0`,
        `${commitment}n`,
      ],
      ...[`${commitment}e0`, `${number + r}`, `${number + 2n * r}`, `${number - r}`, '', '٣', '３'],
      ...[true, false, null, undefined, Number.NaN, 3, {}, [], [commitment], [[commitment]]],
      ...[{ toString: () => commitment }, { length: 1, 0: commitment }, new String(commitment)],
      '1'.repeat(5_000_000),
    ];
    for (const spelling of spellings) {
      const changed = { commitment: spelling, context } as ProofStatement;
      expect(await outcome(system.verify(changed, bytes))).toBe('invalid_request');
      const other = { commitment, context: spelling } as ProofStatement;
      expect(await outcome(system.verify(other, bytes))).toBe('invalid_request');
    }
  });

  it('[P3] refuses statements that lack a signal, or have them in another place', async () => {
    const system = create();
    for (const changed of [{}, { commitment: '3' }, { context: '4' }, ['3', '4']]) {
      expect(await outcome(system.verify(changed as ProofStatement, proof))).toBe(
        'invalid_request',
      );
    }
    expect(await system.verify({ commitment: '4', context: '3' }, proof)).toBe(false);
  });

  it('[P4, P3] honest: canonical decimals, each by its name', async () => {
    const system = create();
    expect(await system.verify({ context: '4', commitment: '3' }, proof)).toBe(true);
    const zero = trapdoor.prove([0n, r - 1n]);
    expect(await system.verify({ commitment: '0', context: `${r - 1n}` }, zero)).toBe(true);
  });

  it('[P5] refuses proofs of another length or with a coordinate >= q before a worker sees them', async () => {
    const system = create();
    for (const bytes of [
      new Uint8Array(0),
      proof.subarray(0, 255),
      new Uint8Array([...proof, 0]),
      withCoordinate(proof, 0, q),
      withCoordinate(proof, 7, (1n << 256n) - 1n),
    ]) {
      expect(await outcome(system.verify(statement, bytes))).toBe('invalid_request');
    }
    expect(await system.verify(statement, proof)).toBe(true);
  });

  it('judges what it was given, whatever becomes of the array afterwards', async () => {
    const system = create();
    const bytes = Uint8Array.from(proof);
    const verdict = system.verify(statement, bytes);
    bytes.fill(0);
    expect(await verdict).toBe(true);
    expect(bytes.buffer.byteLength).toBe(256);
  });

  it('says busy where a lane is full, and serves the other', async () => {
    const system = create({ queueLimit: 2 });
    const verdicts = Array.from({ length: 4 }, () => outcome(system.verify(statement, proof)));
    const enrolling = outcome(system.verify(statement, proof, { lane: 'enroll' }));
    expect(await Promise.all(verdicts)).toEqual([true, true, 'busy', 'busy']);
    expect(await enrolling).toBe(true);
    expect(await system.verify(statement, proof)).toBe(true);
  });

  it('rejects what a terminated thread was working on, and verifies on with a new one', async () => {
    const workers: Worker[] = [];
    const remember = (worker: Worker) => void workers.push(worker);
    process.on('worker', remember);
    try {
      const system = create();
      await system.ready();
      const verdict = outcome(system.verify(statement, proof));
      await workers[0]?.terminate();
      // Its answer may have been on its way; what is not possible is that it waits for ever.
      expect(['server_error', true]).toContain(await verdict);
      expect(await system.verify(statement, proof)).toBe(true);
      expect(workers).toHaveLength(2);
    } finally {
      process.off('worker', remember);
    }
  });

  it('is closed for good', async () => {
    const system = create();
    const verdict = outcome(system.verify(statement, proof));
    await system.close();
    expect(await verdict).toBe('not_ready');
    expect(await outcome(system.verify(statement, proof))).toBe('not_ready');
  });

  it('refuses options out of their range', () => {
    for (const options of [
      { workers: 0 },
      { workers: 1.5 },
      { queueLimit: 0 },
      { timeout: Number.NaN },
      { circuitId: '' },
      { trustedKeyHashes: ['ABC'] },
    ]) {
      expect(() => create(options)).toThrow(TypeError);
    }
  });

  it('[L1] honest: a process that verified and did not close ends by itself', async () => {
    const script = `
      import { createGroth16ProofSystem } from '@pzk-auth/verifier';
      const system = createGroth16ProofSystem(${JSON.stringify({
        circuitId: 'test/v1',
        verificationKey: trapdoor.verificationKey,
        trustedKeyHashes: [hashVerificationKey(trapdoor.verificationKey)],
      })});
      const proof = Buffer.from('${Buffer.from(proof).toString('hex')}', 'hex');
      console.log(await system.verify(${JSON.stringify(statement)}, proof));
    `;
    const { stdout } = await promisify(execFile)(
      process.execPath,
      ['--input-type=module', '--eval', script],
      { cwd: fileURLToPath(new URL('../..', import.meta.url)), timeout: 25_000 },
    );
    expect(stdout.trim()).toBe('true');
  });
});
