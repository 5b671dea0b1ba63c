import { PzkError } from '@pzk-auth/protocol';
import * as v from 'valibot';
import { frozenCopy } from '../stores/memory/frozen-copy.js';
import type { Integer } from './schema.js';

/** Integers arrive as numbers from SQLite and as text from PostgreSQL (bigint). */
const integer = v.pipe(
  v.union([v.number(), v.pipe(v.string(), v.regex(/^-?[0-9]{1,16}$/)), v.bigint()]),
  v.transform(Number),
  v.safeInteger(),
);

/** Schemas of columns, for the row schemas of the stores. */
export const column = {
  text: v.string(),
  integer,
  /** 0 or 1. */
  flag: v.pipe(
    integer,
    v.picklist([0, 1]),
    v.transform((value) => value === 1),
  ),
  json: <T extends v.GenericSchema>(schema: T) =>
    v.pipe(
      v.string(),
      v.rawTransform(({ dataset, addIssue, NEVER }): unknown => {
        try {
          return JSON.parse(dataset.value);
        } catch {
          addIssue({ message: 'no JSON' });
          return NEVER;
        }
      }),
      schema,
    ),
} as const;

/** An integer as a number. */
export function toInteger(value: Integer): number {
  return parseRow(integer, value);
}

/**
 * Reads a row back, strictly, and freezes it: a row that we did not write is an error, not a guess.
 *
 * @throws PzkError `store_unavailable`
 */
export function parseRow<T extends v.GenericSchema>(schema: T, row: unknown): v.InferOutput<T> {
  const result = v.safeParse(schema, row);
  // Without the issues, which would quote the row.
  if (!result.success) throw new PzkError('store_unavailable', 'A row in the database is corrupt.');
  return frozenCopy(result.output);
}

/** The member of a row that may be absent: null in the database. */
export function optional<K extends string, T>(name: K, value: T | null): { readonly [P in K]?: T } {
  return (value === null ? {} : { [name]: value }) as { readonly [P in K]?: T };
}
