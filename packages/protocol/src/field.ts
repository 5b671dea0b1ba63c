import { PzkError } from './errors.js';

/** r: order of the scalar field of BN254 (alt_bn128), in which circuits compute. */
export const SCALAR_FIELD_MODULUS =
  21888242871839275222246405745257275088548364400416034343698204186575808495617n;

/** q: order of the base field of BN254, in which point coordinates live. */
export const BASE_FIELD_MODULUS =
  21888242871839275222246405745257275088696311157297823662689037894645226208583n;

/** A field element on the wire: canonical decimal text, smaller than r. */
export type FieldElement = string;

const CANONICAL_DECIMAL = /^(0|[1-9][0-9]{0,76})$/;

/**
 * Parses a field element from the wire. The pattern bounds the number of digits before a big integer
 * is made: converting millions of digits would block the event loop.
 *
 * @throws PzkError `invalid_request`
 */
export function parseFieldElement(text: unknown): bigint {
  if (typeof text === 'string' && CANONICAL_DECIMAL.test(text)) {
    const value = BigInt(text);
    if (value < SCALAR_FIELD_MODULUS) return value;
  }
  throw new PzkError('invalid_request', 'Not a canonical field element.');
}

/** Whether the value is a field element in its one accepted spelling. */
export function isFieldElement(text: unknown): text is FieldElement {
  try {
    parseFieldElement(text);
    return true;
  } catch {
    return false;
  }
}

/**
 * Writes a field element in its canonical decimal form.
 *
 * @throws RangeError if it is not in the field.
 */
export function formatFieldElement(value: bigint): FieldElement {
  if (value < 0n || value >= SCALAR_FIELD_MODULUS) {
    throw new RangeError('The value is not a field element.');
  }
  return value.toString(10);
}
