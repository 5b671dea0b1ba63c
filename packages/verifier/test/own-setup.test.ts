import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { ownershipV1 } from '@pzk-auth/circuits';
import { createMainThreadProver } from '@pzk-auth/client';
import { createTestClient } from '@pzk-auth/client/testing';
import * as snarkjs from 'snarkjs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { deriveKeyFiles } from '../../../circuits/setup/derive.mjs';
import { contribute } from '../../../circuits/setup/phase2.mjs';
import {
  createVerifier,
  memoryStores,
  ownershipCircuit,
  type Verifier,
  type VerifierOptions,
} from '../src/index.js';

const ISSUER = 'http://localhost:3000';
const published = fileURLToPath(
  new URL('../../../circuits/artifacts/ownership-v1/', import.meta.url),
);

/** What a client pins. */
interface Pins {
  readonly prover: { readonly sha256: string; readonly bytes: number };
  readonly verificationKey: { readonly sha256: string };
}

let directory: string;
let pins: Pins;
const verifiers: Verifier[] = [];

/** A contribution as `setup contribute` makes it, without the check against phase 1. */
beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'pzk-setup-'));
  const read = (file: string) => new Uint8Array(readFileSync(join(published, file)));
  const r1cs = read('ownership-v1.r1cs');
  const before = read('ownership-v1.zkey');
  const { zkey } = await contribute({ snarkjs, zkey: before, name: 'Example Inc' });
  const derived = await deriveKeyFiles({ snarkjs, r1cs, zkey, name: 'ownership-v1' });
  for (const [file, bytes] of Object.entries(derived.files)) {
    writeFileSync(join(directory, file), bytes as Uint8Array);
  }
  pins = derived.artifacts;
  const manifest = { ...ownershipV1, artifacts: derived.artifacts };
  writeFileSync(join(directory, 'manifest.json'), JSON.stringify(manifest));
});
afterAll(async () => {
  for (const verifier of verifiers) await verifier.close();
  rmSync(directory, { recursive: true, force: true });
});

const trusted = () => pins.verificationKey.sha256;
const openCircuit = (where: string | URL = directory, verificationKey = trusted()) =>
  ownershipCircuit({ setup: { directory: where, verificationKey } });

function openVerifier(circuits?: VerifierOptions['circuits']): Verifier {
  const verifier = createVerifier({
    issuer: ISSUER,
    audience: ISSUER,
    rpId: 'localhost',
    origins: [ISSUER],
    scopes: ['weather:read'],
    stores: memoryStores(),
    ...(circuits === undefined ? {} : { circuits }),
  });
  verifiers.push(verifier);
  return verifier;
}

/** The whole flow, by a client that pins the own keys and proves with those of a directory. */
async function enroll(verifier: Verifier, keys?: string): Promise<void> {
  const { apiKey } = await verifier.keys.issue({ scopes: ['weather:read'] });
  const loadArtifact = async () => new Uint8Array(readFileSync(join(keys ?? '', 'prover.bin')));
  const client = createTestClient({
    issuer: ISSUER,
    scope: ['weather:read'],
    fetch: (input, init) => verifier.handle(new Request(input, init)),
    ...(keys === undefined
      ? {}
      : {
          circuit: { id: ownershipV1.id, ...pins },
          prover: createMainThreadProver({ loadArtifact }),
        }),
  });
  await client.enroll({ apiKey, user: { name: 'ada', displayName: 'Ada' } });
}

describe('keys of an own setup', () => {
  it('[C6] honest: a proof made with them is accepted, and their prover is handed out', async () => {
    const verifier = openVerifier([openCircuit()]);
    await enroll(verifier, directory);
    const url = `${ISSUER}/pzk/circuits/${pins.prover.sha256}`;
    const answer = await verifier.handle(new Request(url));
    const bytes = Buffer.from(await answer.arrayBuffer());
    expect(bytes.equals(readFileSync(join(directory, 'prover.bin')))).toBe(true);
    // A URL is a directory, too.
    const byUrl = openCircuit(pathToFileURL(`${directory}/`));
    expect(byUrl.manifest.artifacts.prover.sha256).toBe(pins.prover.sha256);
  });

  it('[C6] a proof made with the published keys is refused', async () => {
    const own = openVerifier([openCircuit()]);
    // Pinned to the own keys, so that the challenge passes, but proving with the published ones.
    await expect(enroll(own, published)).rejects.toMatchObject({ code: 'invalid_grant' });
    // A client of the published build does not even begin, nor the other way round.
    await expect(enroll(own)).rejects.toMatchObject({ code: 'artifact_mismatch' });
    await expect(enroll(openVerifier(), directory)).rejects.toMatchObject({
      code: 'artifact_mismatch',
    });
  });

  it('[C6] keys other than the configuration names are refused', () => {
    const other = ownershipV1.artifacts.verificationKey.sha256;
    expect(() => openCircuit(directory, other)).toThrow(TypeError);
    expect(() => openCircuit(directory, '')).toThrow(TypeError);
    expect(() => openCircuit(join(directory, 'nowhere'))).toThrow(TypeError);
    const copy = join(directory, 'copy');
    cpSync(published, copy, { recursive: true });
    expect(() => openCircuit(copy)).toThrow(TypeError);
    expect(() => openCircuit(copy, other)).not.toThrow();
    // A manifest that points out of the directory.
    const manifest = JSON.parse(readFileSync(join(copy, 'manifest.json'), 'utf8'));
    manifest.artifacts.prover.file = '../prover.bin';
    writeFileSync(join(copy, 'manifest.json'), JSON.stringify(manifest));
    expect(() => openCircuit(copy, other)).toThrow(TypeError);
  });
});
