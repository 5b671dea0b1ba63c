/**
 * The bytes of a proof as snarkjs takes them.
 *
 * @param {Uint8Array} proof - 256 bytes as on the wire
 */
export function toSnarkjsProof(proof) {
  const [ax, ay, bx0, bx1, by0, by1, cx, cy] = Array.from({ length: 8 }, (_, index) =>
    BigInt(
      `0x${Buffer.from(proof.subarray(32 * index, 32 * index + 32)).toString('hex')}`,
    ).toString(),
  );
  return {
    pi_a: [ax, ay, '1'],
    pi_b: [
      [bx0, bx1],
      [by0, by1],
      ['1', '0'],
    ],
    pi_c: [cx, cy, '1'],
    protocol: 'groth16',
    curve: 'bn128',
  };
}
