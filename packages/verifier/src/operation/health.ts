import { integerToBytes, isPzkError } from '@pzk-auth/protocol';
import type { Engine } from '../exchange/engine.js';
import type { ProofSystem } from '../proof/index.js';
import { storeQuestions } from '../stores/store-questions.js';
import type { Gate } from './gate.js';

/** What one check of {@link Health} found. */
export interface HealthCheck {
  readonly ok: boolean;
  /** What is wrong, in our own words: no address, no secret, no text of an error. */
  readonly detail?: string;
}

/** Whether a verifier can serve. */
export interface Health {
  /** All checks are ok. */
  readonly ready: boolean;
  readonly checks: {
    /** Started, and not closing. */
    readonly running: HealthCheck;
    /** Every store answers in time. */
    readonly stores: HealthCheck;
    /** The proof workers judge a proof. */
    readonly workers: HealthCheck;
    /** The store holds signing keys. */
    readonly keys: HealthCheck;
    /** The clock is not behind what the stores have seen. */
    readonly clock: HealthCheck;
  };
}

/** Answers are kept for this long, so that nobody can make work by asking. Milliseconds. */
const KEEP = 1000;
/** A worker that does not judge one proof in this time does not work. Milliseconds. */
const WORKER_TIMEOUT = 5000;
/** A clock may be behind another instance's by this much. Milliseconds. */
const CLOCK_TOLERANCE = 60_000;

const OK: HealthCheck = Object.freeze({ ok: true });

function failed(detail: string): HealthCheck {
  return Object.freeze({ ok: false, detail });
}

/** The generators of both groups: points that every check lets through, and a proof of nothing. */
const WRONG_PROOF = Buffer.concat(
  [
    1n,
    2n,
    10857046999023057135944570762232829481370756359578518086990519993285655852781n,
    11559732032986387107991004021392285783925812861821192530917403151452391805634n,
    8495653923123431417604973247489272438418190587263600148770280649306958101930n,
    4082367875863433681332203403145435568316851327593401208105741076214120093531n,
    1n,
    2n,
  ].map((coordinate) => integerToBytes(coordinate, 32)),
);

async function judgesProofs(proofSystem: ProofSystem): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<false>((resolve) => {
    timer = setTimeout(() => resolve(false), WORKER_TIMEOUT);
  });
  const statement = { commitment: '1', context: '1' };
  const judged = proofSystem
    .verify(statement, Uint8Array.from(WRONG_PROOF), { lane: 'token' })
    .then(
      (verdict) => verdict === false,
      // A queue that is full shows workers that work; other instances are no less busy.
      (error: unknown) => isPzkError(error) && ['busy', 'invalid_grant'].includes(error.code),
    );
  try {
    return await Promise.race([judged, late]);
  } finally {
    clearTimeout(timer);
  }
}

async function checkWorkers(engine: Engine): Promise<HealthCheck> {
  const systems = [...engine.circuits.values()].map(({ proofSystem }) => proofSystem);
  const verdicts = await Promise.all(systems.map(judgesProofs));
  return verdicts.every((verdict) => verdict) ? OK : failed('No worker judges proofs.');
}

async function checkStores(engine: Engine): Promise<HealthCheck> {
  const names = await Promise.all(
    Object.entries(storeQuestions(engine.stores)).map(async ([name, ask]) =>
      ask().then(
        () => [],
        () => [name],
      ),
    ),
  );
  const silent = names.flat();
  return silent.length === 0 ? OK : failed(`No answer from: ${silent.join(', ')}.`);
}

async function checkKeys(engine: Engine): Promise<HealthCheck> {
  const rows = await engine.stores.signingKeys.list();
  const now = engine.config.clock();
  return rows.some(({ activeFrom }) => activeFrom <= now + CLOCK_TOLERANCE)
    ? OK
    : failed('The store holds no signing key.');
}

/** A clock that is behind lets expired things live on, and makes tokens that others refuse. */
async function checkClock(engine: Engine): Promise<HealthCheck> {
  const { signingKeys, audit } = engine.stores;
  const [keys, last] = await Promise.all([signingKeys.list(), audit.last()]);
  const seen = Math.max(last?.at ?? 0, ...keys.map(({ createdAt }) => createdAt));
  return engine.config.clock() + CLOCK_TOLERANCE >= seen
    ? OK
    : failed('The clock is behind what the stores have seen.');
}

/** What the health checks look at. */
export interface HealthOptions {
  readonly engine: Engine;
  readonly gate: Gate;
  readonly ready: () => Promise<void>;
}

/** Creates the health check of a verifier. It never rejects. */
export function createHealth({ engine, gate, ready }: HealthOptions): () => Promise<Health> {
  let kept:
    | { readonly until: number; readonly closed: boolean; readonly health: Promise<Health> }
    | undefined;

  async function checkRunning(): Promise<HealthCheck> {
    if (gate.closed) return failed('The verifier is closing.');
    await ready();
    return OK;
  }

  async function check(): Promise<Health> {
    const guard = (work: Promise<HealthCheck>) => work.catch(() => failed('The check failed.'));
    const running = await guard(checkRunning());
    const [stores, workers, keys, clock] = await Promise.all([
      guard(checkStores(engine)),
      running.ok ? guard(checkWorkers(engine)) : failed('The verifier is not started.'),
      guard(checkKeys(engine)),
      guard(checkClock(engine)),
    ]);
    const checks = Object.freeze({ running, stores, workers, keys, clock });
    const isReady = Object.values(checks).every(({ ok }) => ok);
    return Object.freeze({ ready: isReady, checks });
  }

  return () => {
    // The real clock: that of the configuration is what is being judged.
    const now = performance.now();
    const { closed } = gate;
    // What was found before a shutdown says nothing of it.
    if (kept === undefined || now >= kept.until || kept.closed !== closed) {
      kept = { until: now + KEEP, closed, health: check() };
    }
    return kept.health;
  };
}
