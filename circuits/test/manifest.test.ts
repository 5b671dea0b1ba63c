import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import * as snarkjs from 'snarkjs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildArtifacts } from '../scripts/artifacts.mjs';
import { readPhase1 } from '../scripts/phase1.mjs';
import { applyBeacon, contribute, startKey, verifyKey } from '../scripts/phase2.mjs';
import { ownershipV1, ownershipV1VerificationKey } from '../src/index.js';
import { commitmentOf, randomOpening } from './ownership.js';
import { hasPhase1, phase1File } from './phase1-file.js';

const directory = new URL('../artifacts/ownership-v1/', import.meta.url);
const readCommitted = (name: string): Uint8Array =>
  new Uint8Array(readFileSync(new URL(name, directory)));
const readJson = (name: string): unknown => JSON.parse(Buffer.from(readCommitted(name)).toString());
const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

// snarkjs keeps worker threads that would keep vitest from ending.
afterAll(async () => {
  await globalThis.curve_bn128?.terminate();
});

describe('manifest of ownership/v1', () => {
  let built: Awaited<ReturnType<typeof buildArtifacts>>;

  beforeAll(async () => {
    built = await buildArtifacts();
  });

  it('[C6] honest: the build gives the committed files byte for byte', () => {
    for (const [name, bytes] of Object.entries(built.files)) {
      expect(sha256(bytes), name).toBe(sha256(readCommitted(name)));
    }
    expect(built.manifest).toEqual(readJson('manifest.json'));
    const generated = new URL('../src/ownership-v1.generated.ts', import.meta.url);
    expect(built.module).toBe(readFileSync(generated, 'utf8'));
  });

  it('[C6] each artifact has the size and the hash of the manifest, and there is no other', () => {
    const artifacts = Object.values(ownershipV1.artifacts);
    for (const { file, bytes, sha256: hash } of artifacts) {
      const content = readCommitted(file);
      expect({ file, bytes: content.length, hash: sha256(content) }).toEqual({ file, bytes, hash });
      // One byte changed is another artifact.
      content[content.length >> 1] = (content[content.length >> 1] as number) ^ 1;
      expect(sha256(content)).not.toBe(hash);
    }
    const files = [...artifacts.map(({ file }) => file), 'manifest.json', 'transcript.json'];
    expect(readdirSync(directory).sort()).toEqual(files.sort());
  });

  it('[C6] no witness program is among the committed files', () => {
    expect(built.manifest.notShipped.wasm.sha256).toMatch(/^[0-9a-f]{64}$/);
    for (const name of readdirSync(directory)) {
      const start = Buffer.from(readCommitted(name).subarray(0, 4)).toString('latin1');
      expect(start, name).not.toBe('\0asm');
    }
  });

  it('[C6] the verification key is that of the zkey, with a phase 2 behind it', async () => {
    const zkey = readCommitted(ownershipV1.artifacts.zkey.file);
    const exported = await snarkjs.zKey.exportVerificationKey(zkey);
    expect(exported).toEqual(ownershipV1VerificationKey);
    expect(readJson(ownershipV1.artifacts.verificationKey.file)).toEqual(exported);

    const { nPublic, IC, vk_gamma_2, vk_delta_2 } = ownershipV1VerificationKey;
    expect(nPublic).toBe(ownershipV1.publicSignals.length);
    expect(IC).toHaveLength(nPublic + 1);
    expect(vk_delta_2).not.toEqual(vk_gamma_2);
  });

  it('[C1] no public input has the point at infinity in the verification key', () => {
    for (const [, , z] of ownershipV1VerificationKey.IC) expect(z).toBe('1');
  });

  describe('with a proof by snarkjs', () => {
    const opening = randomOpening();
    const commitment = commitmentOf(opening);
    let result: Awaited<ReturnType<typeof snarkjs.groth16.fullProve>>;

    beforeAll(async () => {
      const wasm = new URL('../build/ownership-v1_js/ownership-v1.wasm', import.meta.url);
      const inputs = Object.fromEntries(
        Object.entries({ ...opening, commitment }).map(([name, value]) => [name, String(value)]),
      );
      const zkey = readCommitted(ownershipV1.artifacts.zkey.file);
      result = await snarkjs.groth16.fullProve(inputs, new Uint8Array(readFileSync(wasm)), zkey);
    });

    const verify = (signals: readonly string[]): Promise<boolean> =>
      snarkjs.groth16.verify(ownershipV1VerificationKey, signals, result.proof);

    it('[C1] honest: it verifies for its commitment and context, in the order of the manifest', async () => {
      expect(ownershipV1.publicSignals).toEqual(['commitment', 'context']);
      expect(result.publicSignals).toEqual([String(commitment), String(opening.context)]);
      expect(await verify(result.publicSignals)).toBe(true);
    });

    it('[C1] it verifies for no other commitment and no other context', async () => {
      const other = randomOpening();
      expect(await verify([String(commitmentOf(other)), String(opening.context)])).toBe(false);
      expect(await verify([String(commitment), String(other.context)])).toBe(false);
      expect(await verify([String(opening.context), String(commitment)])).toBe(false);
    });
  });

  // Anybody can run this part with `npm run verify-setup -- --ptau FILE`.
  describe.runIf(hasPhase1)('against phase 1', () => {
    const r1cs = readCommitted(ownershipV1.artifacts.r1cs.file);
    const zkey = readCommitted(ownershipV1.artifacts.zkey.file);
    const transcript = readJson('transcript.json') as {
      readonly phase1: object;
      readonly circuitHash: string;
      readonly contributions: readonly object[];
    };

    it('[C6] honest: the zkey verifies, with three contributions and a beacon', async () => {
      const ptau = await readPhase1(phase1File);
      const contributions = await verifyKey({ r1cs, ptau, zkey, transcript });
      expect(contributions).toHaveLength(4);
      expect(transcript.contributions.at(-1)).toMatchObject({ kind: 'beacon' });
    });

    it('[C6] refuses an altered zkey, a missing contribution, another phase 1', async () => {
      const ptau = await readPhase1(phase1File);
      const altered = zkey.slice();
      altered[altered.length >> 1] = (altered[altered.length >> 1] as number) ^ 1;
      await expect(verifyKey({ r1cs, ptau, zkey: altered, transcript })).rejects.toThrow(
        'the zkey does not verify',
      );
      const { zkey: longer } = await contribute({ zkey, name: 'unrecorded' });
      await expect(verifyKey({ r1cs, ptau, zkey: longer, transcript })).rejects.toThrow(
        'the contributions in the zkey are not those of transcript.json',
      );
      const r1csFile = fileURLToPath(new URL(ownershipV1.artifacts.r1cs.file, directory));
      await expect(readPhase1(r1csFile)).rejects.toThrow('is not powersOfTau28_hez_final_10.ptau');
    });

    it('[C6] refuses a transcript that says anything else than the zkey', async () => {
      const ptau = await readPhase1(phase1File);
      const { contributions } = transcript;
      const last = contributions.at(-1) as object;
      const changes = [
        { contributions: contributions.toReversed() },
        { contributions: contributions.slice(0, -1) },
        { contributions: contributions.with(0, { ...contributions[0], hash: '00' }) },
        { contributions: contributions.with(0, { ...contributions[0], kind: 'beacon' }) },
        ...[
          { kind: 'random' },
          { name: 'other' },
          { beacon: '00' },
          { iterationsExponent: 11 },
        ].map((change) => ({
          contributions: [...contributions.slice(0, -1), { ...last, ...change }],
        })),
        { circuit: 'other/v1' },
        { circuitHash: transcript.circuitHash.replaceAll('e', 'f') },
        { phase1: { ...transcript.phase1, blake2b: '00' } },
        { phase1: { ...transcript.phase1, url: 'https://example.com/other.ptau' } },
      ];
      for (const change of changes) {
        const altered = { ...transcript, ...change };
        await expect(
          verifyKey({ r1cs, ptau, zkey, transcript: altered }),
          JSON.stringify(change),
        ).rejects.toThrow('transcript.json');
      }
    });

    it('[C6] refuses a contribution whose name hides it from the log of snarkjs', async () => {
      const ptau = await readPhase1(phase1File);
      const { zkey: longer } = await contribute({ zkey, name: 'hidden\nfrom the log' });
      await expect(verifyKey({ r1cs, ptau, zkey: longer, transcript })).rejects.toThrow(
        'the contributions in the zkey are not those of transcript.json',
      );
    });

    it('[P11] refuses keys without a secret: no contribution, or public beacons alone', async () => {
      const ptau = await readPhase1(phase1File);
      const start = await startKey({ r1cs, ptau });
      const beacon = { name: 'beacon', beacon: '00'.repeat(8), iterationsExponent: 10 };
      const open = await applyBeacon({ zkey: start.zkey, ...beacon });
      for (const [key, contributions] of [
        [start.zkey, []],
        [open.zkey, [open.record]],
      ] as const) {
        await expect(
          verifyKey({ r1cs, ptau, zkey: key, transcript: { ...transcript, contributions } }),
        ).rejects.toThrow('no contribution claims to hold a secret');
      }
      // Nor does it help to call the beacon random.
      const { hash, name } = open.record;
      const claimed = { ...transcript, contributions: [{ name, kind: 'random', hash }] };
      await expect(verifyKey({ r1cs, ptau, zkey: open.zkey, transcript: claimed })).rejects.toThrow(
        'the contributions in the zkey are not those of transcript.json',
      );
    });

    it('[P11] honest: one secret contribution is enough', async () => {
      const ptau = await readPhase1(phase1File);
      const start = await startKey({ r1cs, ptau });
      const { zkey: own, record } = await contribute({ zkey: start.zkey, name: 'own' });
      const recorded = { ...transcript, contributions: [record] };
      expect(await verifyKey({ r1cs, ptau, zkey: own, transcript: recorded })).toHaveLength(1);
    });
  });
});
