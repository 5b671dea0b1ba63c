import { randomBytes } from 'node:crypto';
import { expect } from 'vitest';
import { memoryStores, type Stores, type VerifierOptions } from '../../src/index.js';
import { createIssuer, type TestIssuer } from './issuer.js';
import type { WireAnswer } from './wire-client.js';

/** An issuer whose stores tell what was written, and whose secret a test may know. */
export interface WatchedIssuer extends TestIssuer {
  /** The deployment's secret. */
  readonly secret: Uint8Array;
  /** `store.method` of every write since the start. */
  readonly writes: string[];
  /** Texts that must never show in an answer or an event. */
  readonly secrets: Set<string>;
}

/** Options of {@link createWatchedIssuer}. */
export interface WatchedIssuerOptions extends Partial<VerifierOptions> {
  /** Changes the stores before they are watched, e.g. to slow them down. */
  readonly adapt?: (stores: Stores) => Stores;
  /** An issuer whose stores and secret this one shares, as a further instance. */
  readonly instanceOf?: WatchedIssuer;
}

const WRITES = new Set([
  'consume',
  'record',
  'revoke',
  'put',
  'touch',
  'delete',
  'add',
  'enroll',
  'insert',
  'insertFirst',
  'advanceCounter',
  'linkUser',
  'expire',
  'remove',
  'append',
]);

type Method = (...args: unknown[]) => unknown;

/** Replaces the methods of each store; what `replace` answers is called in place of the method. */
export function mapStores(
  stores: Stores,
  replace: (method: Method, store: string, name: string) => Method,
): Stores {
  const mapped = Object.entries(stores).map(([store, members]) => [
    store,
    Object.fromEntries(
      Object.entries(members as Record<string, Method>).map(([name, method]) => [
        name,
        replace(method, store, name),
      ]),
    ),
  ]);
  return Object.fromEntries(mapped) as Stores;
}

/** Creates an issuer on memory stores that are watched. */
export function createWatchedIssuer(options: WatchedIssuerOptions = {}): WatchedIssuer {
  const { adapt = (stores) => stores, instanceOf, ...verifierOptions } = options;
  const writes: string[] = instanceOf?.writes ?? [];
  const secret = instanceOf?.secret ?? Uint8Array.from(randomBytes(32));
  let issuer: TestIssuer | undefined;
  const clock = () => issuer?.now() ?? Date.now();
  const watch = (stores: Stores) =>
    mapStores(stores, (method, store, name) => {
      if (!WRITES.has(name)) return method;
      return (...args) => {
        writes.push(`${store}.${name}`);
        return method(...args);
      };
    });
  const stores = instanceOf?.stores ?? watch(adapt(memoryStores({ clock })));
  issuer = createIssuer({ secret, ...verifierOptions, stores });
  return Object.assign(issuer, { secret, writes, secrets: new Set<string>() });
}

/** What a refused request must look like. */
export interface Refusal {
  readonly status: number;
  readonly code: string;
  /** Writes that the refusal may leave behind. Default none. */
  readonly writes?: readonly string[];
}

const PROBLEM_MEMBERS = new Set(['type', 'title', 'status', 'code', 'error', 'hint']);

/**
 * Runs an attack and demands the uniform outcome: the problem with this status and code, no token,
 * nothing written, one event of the refusal, no secret in body or events.
 */
export async function expectRefused(
  issuer: WatchedIssuer,
  expected: Refusal,
  attack: () => Promise<WireAnswer>,
): Promise<WireAnswer> {
  const events = issuer.events.length;
  const writes = issuer.writes.length;
  const answer = await attack();
  expect({ status: answer.status, code: answer.body?.code }).toEqual({
    status: expected.status,
    code: expected.code,
  });
  for (const member of Object.keys(answer.body)) expect(PROBLEM_MEMBERS).toContain(member);
  // Counters of attempts are no state: every exchange of a known key is counted.
  const written = issuer.writes.slice(writes).filter((write) => write !== 'budgets.add');
  expect(written).toEqual((expected.writes ?? []).filter((write) => write !== 'budgets.add'));
  const news = issuer.events.slice(events);
  expect(news).toMatchObject([{ type: 'refused', code: expected.code }]);
  const shown = answer.text + JSON.stringify([...answer.headers]) + JSON.stringify(news);
  for (const text of issuer.secrets) expect(shown).not.toContain(text);
  return answer;
}
