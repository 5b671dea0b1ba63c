import { readFileSync } from 'node:fs';
import { poseidon4 } from 'poseidon-lite';
import { randomElement } from './field.js';
import { planForward, type R1cs, readR1cs, solveForward } from './r1cs.js';

/** The circuit as published: the committed file, not one compiled for the test. */
export const ownershipR1cs: R1cs = readR1cs(
  readFileSync(new URL('../artifacts/ownership-v1/ownership-v1.r1cs', import.meta.url)),
);

/** Wire of each input; public ones first, in the order of the manifest. */
export const wire = { commitment: 1, context: 2, tag: 3, m0: 4, m1: 5, salt: 6 } as const;

export interface Opening {
  readonly tag: bigint;
  readonly m0: bigint;
  readonly m1: bigint;
  readonly salt: bigint;
  readonly context: bigint;
}

/** The forward order in which everything, `commitment` included, follows from an opening. */
export const ownershipPlan = planForward(ownershipR1cs, [
  0,
  wire.context,
  wire.tag,
  wire.m0,
  wire.m1,
  wire.salt,
]);

export const randomOpening = (): Opening => ({
  tag: randomElement(),
  m0: randomElement(),
  m1: randomElement(),
  salt: randomElement(),
  context: randomElement(),
});

export const commitmentOf = ({ tag, m0, m1, salt }: Opening): bigint =>
  poseidon4([tag, m0, m1, salt]);

/** The witness by solving the committed constraints. */
export const solveOwnership = (opening: Opening): bigint[] =>
  solveForward(
    ownershipR1cs,
    ownershipPlan,
    new Map([
      [0, 1n],
      ...Object.entries(opening).map(
        ([name, value]) => [wire[name as keyof Opening], value] as const,
      ),
    ]),
  );
