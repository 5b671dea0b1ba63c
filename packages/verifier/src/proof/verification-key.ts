import { createHash } from 'node:crypto';
import { BASE_FIELD_MODULUS, concatBytes, integerToBytes, PzkError } from '@pzk-auth/protocol';

/** Why a verification key was refused. Stable, to switch on. */
export type VerificationKeyFlaw =
  | 'malformed'
  | 'wrong_protocol'
  | 'wrong_curve'
  | 'wrong_signal_count'
  | 'coordinate_not_canonical'
  | 'point_not_affine'
  | 'point_infinite'
  | 'points_related'
  | 'not_trusted'
  | 'point_invalid';

/** A verification key that must not be used: with many of them anyone can forge proofs. */
export class VerificationKeyError extends PzkError {
  readonly flaw: VerificationKeyFlaw;

  constructor(flaw: VerificationKeyFlaw, message: string) {
    super('verification_key_rejected', message);
    this.flaw = flaw;
  }
}

/** A verification key whose form is checked. Not yet checked: points on curve and in subgroup. */
export interface LintedVerificationKey {
  /** SHA-256 of {@link serializeVerificationKey}, lower-case hex. */
  readonly hash: string;
  /** alpha, beta, gamma, delta, IC0, IC1, ...: coordinates of 32 bytes, big-endian. */
  readonly encoded: Uint8Array;
}

/** Options of {@link lintVerificationKey}. */
export interface LintVerificationKeyOptions {
  /** Number of public signals of the circuit. */
  readonly publicSignals: number;
  /** SHA-256 of each key that may be used, lower-case hex. */
  readonly trustedKeyHashes: readonly string[];
}

type Json = Readonly<Record<string, unknown>>;

/** Names of snarkjs in its order. `vk_alphabeta_12` may be absent and is never used. */
const MEMBERS = [
  'protocol',
  'curve',
  'nPublic',
  'vk_alpha_1',
  'vk_beta_2',
  'vk_gamma_2',
  'vk_delta_2',
  'vk_alphabeta_12',
  'IC',
] as const;

/**
 * Checks the form of a Groth16 verification key in snarkjs's format and that it is one of the
 * trusted ones.
 *
 * What a key must not allow, because each makes proofs without a witness:
 * - gamma = delta (or its negative), the state before any contribution to phase 2: then C cancels X.
 *   beta = gamma and beta = delta, up to sign, likewise;
 * - two IC points equal up to sign, or one equal to alpha: then one statement's proof serves another;
 * - an infinite IC point, which leaves its signal free; gamma, delta, alpha or beta infinite, which
 *   removes a term of the equation;
 * - points of small order, which the pairing maps to 1: checked where the curve is at hand, in the
 *   worker, before any proof.
 * Other known relations between the points cannot be seen. Hence the list of hashes.
 *
 * @throws VerificationKeyError
 */
export function lintVerificationKey(
  key: unknown,
  options: LintVerificationKeyOptions,
): LintedVerificationKey {
  const members = parseMembers(key);
  if (members.protocol !== 'groth16') fail('wrong_protocol', 'The protocol is not groth16.');
  if (members.curve !== 'bn128') fail('wrong_curve', 'The curve is not bn128.');

  const ic = parseArray(members.IC);
  const signals = options.publicSignals;
  if (members.nPublic !== signals || ic.length !== signals + 1) {
    fail('wrong_signal_count', 'The key is for another number of public signals.');
  }

  const alpha = parseG1(members.vk_alpha_1);
  const g2 = [members.vk_beta_2, members.vk_gamma_2, members.vk_delta_2].map(parseG2);
  const g1 = [alpha, ...ic.map(parseG1)];
  assertUnrelated(g1, 1);
  assertUnrelated(g2, 2);
  if (members.vk_alphabeta_12 !== undefined) parseTarget(members.vk_alphabeta_12);

  const hash = createHash('sha256').update(serialize(members)).digest('hex');
  if (!options.trustedKeyHashes.includes(hash)) {
    fail('not_trusted', 'The key is not on the list of trusted verification keys.');
  }
  const [first, ...rest] = g1;
  const encoded = concatBytes(
    ...[first ?? [], ...g2, ...rest].flat().map((value) => integerToBytes(value, 32)),
  );
  return { hash, encoded };
}

/**
 * The canonical text of a verification key: its members in snarkjs's order as JSON, indented by two
 * spaces, with a final line feed. So the SHA-256 of the published file is that of this text.
 *
 * @throws VerificationKeyError if it is no object with the members of a key, or has others.
 */
export function serializeVerificationKey(key: unknown): string {
  return serialize(parseMembers(key));
}

/**
 * SHA-256 of {@link serializeVerificationKey}, lower-case hex: what a list of trusted keys holds.
 *
 * @throws VerificationKeyError as {@link serializeVerificationKey}.
 */
export function hashVerificationKey(key: unknown): string {
  return createHash('sha256').update(serializeVerificationKey(key)).digest('hex');
}

function serialize(members: Json): string {
  return `${JSON.stringify(members, null, 2)}\n`;
}

/** A copy, so that what is checked is what is used; JSON, so that it holds no getter or proxy. */
function parseMembers(key: unknown): Json {
  let copy: unknown;
  try {
    copy = JSON.parse(JSON.stringify(key));
  } catch {
    return fail('malformed', 'The key is not JSON.');
  }
  if (typeof copy !== 'object' || copy === null || Array.isArray(copy)) {
    return fail('malformed', 'The key is not an object.');
  }
  const given = new Map(Object.entries(copy));
  const members: Record<string, unknown> = {};
  for (const name of MEMBERS) {
    if (given.has(name)) members[name] = given.get(name);
    else if (name !== 'vk_alphabeta_12') fail('malformed', 'The key lacks a member.');
    given.delete(name);
  }
  if (given.size > 0) fail('malformed', 'The key has unknown members.');
  return members;
}

function parseArray(value: unknown, length?: number): readonly unknown[] {
  if (!Array.isArray(value) || (length !== undefined && value.length !== length)) {
    return fail('malformed', 'The key has a member of another shape.');
  }
  return value;
}

const CANONICAL_DECIMAL = /^(0|[1-9][0-9]{0,76})$/;

function parseCoordinate(value: unknown): bigint {
  if (typeof value === 'string' && CANONICAL_DECIMAL.test(value)) {
    const coordinate = BigInt(value);
    if (coordinate < BASE_FIELD_MODULUS) return coordinate;
  }
  return fail('coordinate_not_canonical', 'A coordinate of the key is not canonical.');
}

const parseFp2 = (value: unknown): bigint[] => parseArray(value, 2).map(parseCoordinate);

function parseG1(value: unknown): bigint[] {
  const [x = 0n, y = 0n, z = 0n] = parseArray(value, 3).map(parseCoordinate);
  return assertAffine([x, y], [z]);
}

function parseG2(value: unknown): bigint[] {
  const [x = [], y = [], z = []] = parseArray(value, 3).map(parseFp2);
  return assertAffine([...x, ...y], z);
}

function parseTarget(value: unknown): void {
  for (const half of parseArray(value, 2)) parseArray(half, 3).map(parseFp2);
}

function assertAffine(point: bigint[], [z0, ...rest]: readonly bigint[]): bigint[] {
  const restIsZero = rest.every((part) => part === 0n);
  if ((z0 === 0n && restIsZero) || point.every((part) => part === 0n)) {
    return fail('point_infinite', 'A point of the key is infinite.');
  }
  if (z0 !== 1n || !restIsZero) return fail('point_not_affine', 'A point of the key has z != 1.');
  return point;
}

/** Points are equal up to sign if they agree in x. */
function assertUnrelated(points: readonly (readonly bigint[])[], xParts: number): void {
  const seen = new Set(points.map((point) => point.slice(0, xParts).join()));
  if (seen.size !== points.length) {
    fail('points_related', 'Two points of the key are equal up to sign: anyone could forge.');
  }
}

function fail(flaw: VerificationKeyFlaw, message: string): never {
  throw new VerificationKeyError(flaw, message);
}
