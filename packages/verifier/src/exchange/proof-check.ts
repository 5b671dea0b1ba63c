import type { Reservation } from '../limits/limits.js';
import type { ProofLane } from '../proof/index.js';
import { refusal } from '../refuse.js';
import type { Engine, RequestContext } from './engine.js';
import type { OpenExchange } from './open-exchange.js';

/** A proof and what it has to prove; the context is the server's own computation. */
export interface ProofCheck {
  readonly circuit: string;
  readonly commitment: string;
  readonly context: string;
  /** Canonical bytes. */
  readonly proof: Uint8Array;
  readonly lane: ProofLane;
  /** Whose budget a failure costs, once an assertion has shown that it is this device. */
  readonly device?: string | undefined;
}

/** Checks that the circuit is accepted, before anything is computed. */
export function assertKnownCircuit(engine: Engine, circuit: string): void {
  if (!engine.circuits.has(circuit)) throw refusal('unsupported_circuit', 'Unknown circuit.');
}

/**
 * Verifies a proof within the budgets of its nonce and device.
 *
 * @throws PzkError `invalid_grant` if it does not prove the statement; `too_many_requests`, `busy`.
 */
export async function checkProof(
  engine: Engine,
  exchange: OpenExchange,
  check: ProofCheck,
): Promise<void> {
  const circuit = engine.circuits.get(check.circuit);
  if (circuit === undefined) throw refusal('unsupported_circuit', 'Unknown circuit.');
  const { commitment, context, proof, lane } = check;
  // Counted before the work and given back after it: parallel proofs cannot slip through between.
  const reserved = await engine.limits.reserveDevice(check.device);
  let passed: boolean | undefined;
  try {
    passed = await engine.nonceGuard.run(exchange.nonce, async () => {
      const result: unknown = await engine.telemetry.span(
        'pzk.verify_proof',
        { circuit: check.circuit },
        () => circuit.proofSystem.verify({ commitment, context }, proof, { lane }),
      );
      return result === true;
    });
  } finally {
    await reserved.settle(passed === false);
  }
  if (passed) return;
  throw refusal('invalid_grant', 'The proof does not verify.');
}

const reservations = new WeakMap<RequestContext, Reservation>();

/**
 * Refuses an address that has caused too many failures. Reserves one for this request, which
 * {@link settleAddressBudget} has to settle.
 *
 * @throws PzkError `too_many_requests`
 */
export async function assertAddressBudget(engine: Engine, context: RequestContext): Promise<void> {
  reservations.set(context, await engine.limits.reserveAddress(context.address));
}

/** Counts a failed exchange against its address, and any other one not. */
export async function settleAddressBudget(context: RequestContext, failed: boolean): Promise<void> {
  await reservations.get(context)?.settle(failed);
  reservations.delete(context);
}
