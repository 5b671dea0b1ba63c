// The phase 1 on which the keys stand: the public Hermez ceremony ("perpetual powers of tau", 54
// contributions and a beacon), truncated to 2^10. Address and hash as in the README of snarkjs.
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';

export const phase1 = Object.freeze({
  name: 'powersOfTau28_hez_final_10.ptau',
  url: 'https://storage.googleapis.com/zkevm/ptau/powersOfTau28_hez_final_10.ptau',
  blake2b:
    '6cfeb8cda92453099d20120bdd0e8a5c4e7706c2da9a8f09ccc157ed2464d921' +
    'fd0437fb70db42104769efd7d6f3c1f964bcf448c455eab6f6c7d863e88a5849',
});

/** Reads a ptau file; throws unless it is, byte for byte, the file of the ceremony. */
export async function readPhase1(path) {
  const bytes = await readFile(path);
  const actual = createHash('blake2b512').update(bytes).digest('hex');
  if (actual !== phase1.blake2b) {
    throw new Error(
      `${path} is not ${phase1.name}: BLAKE2b is ${actual}, expected ${phase1.blake2b}. ` +
        `Download it from ${phase1.url}`,
    );
  }
  return new Uint8Array(bytes);
}
