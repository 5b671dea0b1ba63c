import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { CircuitManifest } from '@pzk-auth/circuits';
import * as v from 'valibot';

/** Keys of a deployer's own setup, as `pzk-auth setup contribute` writes them. */
export interface OwnSetup {
  /** The directory; a relative path counts from the working directory. */
  readonly directory: string | URL;
  /** SHA-256 of its `verification-key.json`, lower-case hex, as the command printed it. */
  readonly verificationKey: string;
}

/** What an own setup brings in place of the published keys. */
export interface OwnKeys {
  readonly manifest: CircuitManifest;
  readonly verificationKey: unknown;
  readonly readProver: () => Promise<Uint8Array>;
}

const sha256Schema = v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/));

const artifactSchema = v.object({
  // A name, so that nothing outside of the directory is read.
  file: v.pipe(v.string(), v.regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/)),
  sha256: sha256Schema,
  bytes: v.pipe(v.number(), v.safeInteger(), v.minValue(1)),
});

const manifestSchema = v.object({
  id: v.string(),
  publicSignals: v.array(v.string()),
  setup: v.picklist(['genuine', 'development']),
  artifacts: v.object({
    prover: artifactSchema,
    verificationKey: artifactSchema,
    zkey: artifactSchema,
    r1cs: artifactSchema,
  }),
});

const hash = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

function parseJson(text: string, file: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new TypeError(`setup: ${file} is not JSON.`, { cause });
  }
}

/**
 * Reads the keys of an own setup.
 *
 * @throws TypeError if the directory holds no keys of this circuit, or others than those named.
 */
export function readOwnSetup(setup: OwnSetup, circuitId: string): OwnKeys {
  const { directory, verificationKey: trusted } = setup;
  if (!v.is(sha256Schema, trusted)) {
    throw new TypeError('setup.verificationKey is a SHA-256 in lower-case hex.');
  }
  const path = directory instanceof URL ? fileURLToPath(directory) : resolve(directory);
  const read = (file: string): Buffer => {
    try {
      return readFileSync(join(path, file));
    } catch (cause) {
      throw new TypeError(`setup: ${file} cannot be read in ${path}.`, { cause });
    }
  };
  const parsed = v.safeParse(
    manifestSchema,
    parseJson(read('manifest.json').toString('utf8'), 'manifest.json'),
  );
  if (!parsed.success || parsed.output.id !== circuitId) {
    throw new TypeError(`setup: manifest.json is not that of ${circuitId}.`);
  }
  const manifest: CircuitManifest = parsed.output;
  const { prover, verificationKey } = manifest.artifacts;
  const key = read(verificationKey.file);
  if (hash(key) !== trusted || verificationKey.sha256 !== trusted) {
    throw new TypeError('setup: the verification key is not the one that the configuration names.');
  }
  return {
    manifest,
    verificationKey: parseJson(key.toString('utf8'), verificationKey.file),
    readProver: async () => {
      const bytes = new Uint8Array(await readFile(join(path, prover.file)));
      if (hash(bytes) !== prover.sha256) throw new Error(`${prover.file} was altered.`);
      return bytes;
    },
  };
}
