import { type CurveMemory, ELEMENT_BYTES } from './curve-memory.js';
import { GT_SIZE, type Pointer } from './mcl.js';

const DIGITS = 255;

/**
 * Raises one fixed element of the target group to scalars: with every power of every byte position
 * in a table (4.7 MB), that is at most 32 multiplications, less than a Miller loop. The time depends
 * on the scalar, which is public here.
 *
 * @param base - address of the element.
 * @returns a function that multiplies the accumulator by base ^ scalar, scalar 32 bytes big-endian.
 */
export function createFixedBase(
  { mcl, allocate }: CurveMemory,
  base: Pointer,
): (accumulator: Pointer, scalars: Uint8Array, offset: number) => void {
  const table = allocate(ELEMENT_BYTES * DIGITS * GT_SIZE);
  const entry = (position: number, digit: number): Pointer =>
    table + (position * DIGITS + digit - 1) * GT_SIZE;

  // Position counts from the least significant byte.
  mcl.HEAP8.copyWithin(entry(0, 1), base, base + GT_SIZE);
  for (let position = 0; position < ELEMENT_BYTES; position++) {
    const one = entry(position, 1);
    if (position > 0) mcl._mclBnGT_mul(one, entry(position - 1, DIGITS), entry(position - 1, 1));
    for (let digit = 2; digit <= DIGITS; digit++) {
      mcl._mclBnGT_mul(entry(position, digit), entry(position, digit - 1), one);
    }
  }

  return (accumulator, scalars, offset) => {
    for (let position = 0; position < ELEMENT_BYTES; position++) {
      const digit = scalars[offset + ELEMENT_BYTES - 1 - position] as number;
      if (digit !== 0) mcl._mclBnGT_mul(accumulator, accumulator, entry(position, digit));
    }
  };
}
