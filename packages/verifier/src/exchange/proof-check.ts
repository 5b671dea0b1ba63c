import { isIPv6 } from 'node:net';
import { durations } from '../durations.js';
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
  if (check.device !== undefined) await assertDeviceBudget(engine, check.device);
  const passed = await engine.nonceGuard.run(exchange.nonce, async () => {
    const result: unknown = await circuit.proofSystem.verify({ commitment, context }, proof, {
      lane,
    });
    return result === true;
  });
  if (passed) return;
  if (check.device !== undefined) {
    await engine.stores.budgets.add(`device ${check.device}`, durations.failureBudget);
  }
  throw refusal('invalid_grant', 'The proof does not verify.');
}

async function assertDeviceBudget(engine: Engine, device: string): Promise<void> {
  const failures = await engine.stores.budgets.read(`device ${device}`);
  if (failures >= engine.config.deviceFailureLimit) {
    throw refusal('too_many_requests', 'The device has failed too often.');
  }
}

/** One customer's IPv6 addresses share the first 64 bits; counted alone they would never run out. */
function addressBudget(address: string): string {
  if (!isIPv6(address)) return `address ${address}`;
  const [head = '', tail = ''] = new URL(`http://[${address.split('%', 1)[0]}]`).hostname
    .slice(1, -1)
    .split('::');
  const front = head === '' ? [] : head.split(':');
  const back = tail === '' ? [] : tail.split(':');
  const groups = [...front, ...Array<string>(8 - front.length - back.length).fill('0'), ...back];
  return `address ${groups.slice(0, 4).join(':')}`;
}

/**
 * Refuses an address that has caused too many failures.
 *
 * @throws PzkError `too_many_requests`
 */
export async function assertAddressBudget(engine: Engine, context: RequestContext): Promise<void> {
  if (context.address === undefined) return;
  const failures = await engine.stores.budgets.read(addressBudget(context.address));
  if (failures >= engine.config.addressFailureLimit) {
    throw refusal('too_many_requests', 'The address has failed too often.');
  }
}

/** Counts a failed exchange against its address. */
export async function countAddressFailure(engine: Engine, context: RequestContext): Promise<void> {
  if (context.address === undefined) return;
  await engine.stores.budgets.add(addressBudget(context.address), durations.failureBudget);
}
