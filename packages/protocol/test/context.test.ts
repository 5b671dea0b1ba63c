import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type EnrollContextFields,
  enrollContext,
  isFieldElement,
  publicSignals,
  type SessionContextFields,
  sessionContext,
} from '../src/index.js';
import { fromHex, readVectors } from './read-vectors.js';

type EnrollVectorFields = SessionContextFields & {
  readonly coseKey?: string;
  readonly recipientKey?: string;
  readonly vaultEntryHash?: string;
};

interface ContextVectors {
  readonly session: readonly { name: string; fields: SessionContextFields; context: string }[];
  readonly enroll: readonly { name: string; fields: EnrollVectorFields; context: string }[];
}

const vectors = readVectors<ContextVectors>('contexts');

function toEnrollFields(fields: EnrollVectorFields): EnrollContextFields {
  const { coseKey, recipientKey, vaultEntryHash, ...shared } = fields;
  return {
    ...shared,
    ...(coseKey === undefined ? {} : { coseKey: fromHex(coseKey) }),
    ...(recipientKey === undefined ? {} : { recipientKey: fromHex(recipientKey) }),
    ...(vaultEntryHash === undefined ? {} : { vaultEntryHash: fromHex(vaultEntryHash) }),
  };
}

const text = fc.string({ maxLength: 12 });
const bytes = fc.uint8Array({ minLength: 1, maxLength: 12 });
const sessionFields = {
  issuer: text,
  audience: text,
  nonce: text,
  jkt: text,
  credentialId: text,
  scope: text,
  circuitId: text,
  commitment: fc.bigInt({ min: 0n, max: 2n ** 253n }).map(String),
};
const enrollFields = {
  ...sessionFields,
  coseKey: bytes,
  recipientKey: bytes,
  vaultEntryHash: bytes,
};

describe('context', () => {
  it.each(vectors.session)('[P8] honest: session, $name', ({ fields, context }) => {
    expect(sessionContext(fields)).toBe(context);
    expect(isFieldElement(context)).toBe(true);
  });

  it.each(vectors.enroll)('[P8] honest: enrolment, $name', ({ fields, context }) => {
    expect(enrollContext(toEnrollFields(fields))).toBe(context);
  });

  it('[P8] gives every vector another context', () => {
    const all = [...vectors.session, ...vectors.enroll].map(({ context }) => context);
    expect(new Set(all).size).toBe(all.length);
  });

  it('[P8] changes with each single field of a session', () => {
    const names = Object.keys(sessionFields) as (keyof SessionContextFields)[];
    fc.assert(
      fc.property(
        fc.record(sessionFields),
        fc.record(sessionFields),
        fc.constantFrom(...names),
        (fields, other, name) => {
          const changed = { ...fields, [name]: other[name] };
          const same = changed[name] === fields[name];
          expect(sessionContext(changed) === sessionContext(fields)).toBe(same);
        },
      ),
      { numRuns: 300 },
    );
  });

  it('[P8] changes with each single field of an enrolment, also by its absence', () => {
    const names = Object.keys(enrollFields) as (keyof EnrollContextFields)[];
    fc.assert(
      fc.property(
        fc.record(enrollFields),
        fc.record(enrollFields),
        fc.constantFrom(...names),
        fc.boolean(),
        (fields, other, name, absent) => {
          const optional = typeof fields[name] !== 'string';
          const value = absent && optional ? undefined : other[name];
          const changed = { ...fields, [name]: value } as EnrollContextFields;
          const same = String(value) === String(fields[name]);
          expect(enrollContext(changed) === enrollContext(fields)).toBe(same);
        },
      ),
      { numRuns: 300 },
    );
  });

  it('[P8] changes with the purpose, all else equal', () => {
    fc.assert(
      fc.property(fc.record(sessionFields), (fields) => {
        expect(enrollContext(fields)).not.toBe(sessionContext(fields));
      }),
    );
  });

  it('[P9] changes with a separator moved from one field to the next', () => {
    const fields = vectors.session[0]?.fields as SessionContextFields;
    const one = sessionContext({ ...fields, issuer: 'a|b', audience: 'c' });
    const two = sessionContext({ ...fields, issuer: 'a', audience: 'b|c' });
    expect(one).not.toBe(two);
  });

  it('[P3] honest: has commitment and context in the order of the circuit', () => {
    expect(publicSignals({ commitment: 'c', context: 'x' })).toEqual(['c', 'x']);
  });
});
