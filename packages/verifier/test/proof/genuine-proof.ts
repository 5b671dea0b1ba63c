import { ownershipV1, ownershipV1VerificationKey } from '@pzk-auth/circuits';
import { readArtifact } from '@pzk-auth/circuits/node';
import { groth16, type SnarkjsProof } from 'snarkjs';
import { r, word } from './points.js';
import { inverse } from './trapdoor-key.js';

export const genuineKey = ownershipV1VerificationKey;
export const trustedKeyHashes = [ownershipV1.artifacts.verificationKey.sha256];

export interface GenuineProof {
  readonly proof: SnarkjsProof;
  /** commitment, context */
  readonly publicSignals: readonly [string, string];
}

type Terms = readonly (readonly [wire: number, coefficient: bigint])[];

/** Wires of `ownership/v1`: 1, commitment, context, tag, m0, m1, salt, then the rest. */
const FIRST_INPUT = 2;
const INPUTS = 5;

/** A proof from the published proving key by snarkjs, for the context and an opening. */
export async function proveGenuinely(
  context: bigint,
  opening: readonly [bigint, bigint, bigint, bigint],
): Promise<GenuineProof> {
  const r1cs = await readArtifact(ownershipV1.artifacts.r1cs.sha256);
  const zkey = await readArtifact(ownershipV1.artifacts.zkey.sha256);
  const { proof, publicSignals } = await groth16.prove(
    zkey,
    writeWitness(solve(r1cs, [context, ...opening])),
  );
  const [commitment = '', signal = ''] = publicSignals;
  return { proof, publicSignals: [commitment, signal] };
}

/** Each constraint of the circuit gives one new wire, linearly. */
function solve(r1cs: Uint8Array, inputs: readonly bigint[]): bigint[] {
  const view = new DataView(r1cs.buffer, r1cs.byteOffset, r1cs.byteLength);
  const number = (at: number) => view.getUint32(at, true);
  const starts = new Map<number, number>();
  for (let at = 12, left = number(8); left > 0; left--) {
    starts.set(number(at), at + 12);
    at += 12 + number(at + 4);
  }
  const header = starts.get(1) ?? 0;
  let at = starts.get(2) ?? 0;
  const readTerms = (): Terms => {
    const length = number(at);
    at += 4;
    return Array.from({ length }, () => {
      const wire = number(at);
      const bytes = Buffer.from(r1cs.subarray(at + 4, at + 36)).reverse();
      at += 36;
      return [wire, BigInt(`0x${bytes.toString('hex')}`)] as const;
    });
  };

  const witness: (bigint | undefined)[] = Array.from({ length: number(header + 36) });
  witness[0] = 1n;
  for (let index = 0; index < INPUTS; index++) witness[FIRST_INPUT + index] = inputs[index];
  const sum = (terms: Terms): bigint =>
    terms.reduce((total, [wire, factor]) => total + factor * (witness[wire] ?? 0n), 0n) % r;
  for (let left = number(header + 60); left > 0; left--) {
    const [a, b, c] = [readTerms(), readTerms(), readTerms()];
    const [wire, factor] = c.find(([index]) => witness[index] === undefined) ?? [0, 1n];
    const value = ((sum(a) * sum(b) - sum(c)) % r) + r;
    if (wire !== 0) witness[wire] = (value * inverse(factor)) % r;
    else if (value % r !== 0n) throw new Error('The constraints do not hold.');
  }
  return witness.map((value) => {
    if (value === undefined) throw new Error('A wire is free.');
    return value;
  });
}

/** iden3's witness file, version 2. */
function writeWitness(witness: readonly bigint[]): Uint8Array {
  const u32 = (value: number) => {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32LE(value);
    return bytes;
  };
  const element = (value: bigint) => word(value).reverse();
  const section = (id: number, body: Buffer) =>
    Buffer.concat([u32(id), u32(body.length), u32(0), body]);
  return new Uint8Array(
    Buffer.concat([
      Buffer.from('wtns'),
      u32(2),
      u32(2),
      section(1, Buffer.concat([u32(32), element(r), u32(witness.length)])),
      section(2, Buffer.concat(witness.map(element))),
    ]),
  );
}
