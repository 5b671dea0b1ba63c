// What follows from the constraints and a key for them: verification key and prover.bin.
import { createHash } from 'node:crypto';
import { buildProverBinary } from './prover-binary.mjs';

/** JSON as it stands in the files of a setup. */
export const toJson = (value) => `${JSON.stringify(value, null, 2)}\n`;

/** The SHA-256 of bytes, lower-case hex. */
export const sha256 = (bytes) => createHash('sha256').update(bytes).digest('hex');

/** A file as a manifest names it. */
export const describe = (file, bytes) => ({ file, sha256: sha256(bytes), bytes: bytes.length });

/** Derives the files of a key, with what the manifest says of them. Same input, same bytes. */
export async function deriveKeyFiles({ snarkjs, r1cs, zkey, name }) {
  const verificationKey = await snarkjs.zKey.exportVerificationKey(zkey);
  const verificationKeyJson = Buffer.from(toJson(verificationKey));
  const prover = await buildProverBinary({ r1cs, zkey });
  return {
    verificationKey,
    files: { 'verification-key.json': verificationKeyJson, 'prover.bin': prover },
    artifacts: {
      prover: describe('prover.bin', prover),
      verificationKey: describe('verification-key.json', verificationKeyJson),
      zkey: describe(`${name}.zkey`, zkey),
      r1cs: describe(`${name}.r1cs`, r1cs),
    },
  };
}
