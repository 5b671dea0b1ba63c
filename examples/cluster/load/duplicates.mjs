import { setTimeout as sleep } from 'node:timers/promises';
import { attempt, createMachine, persist } from './wire.mjs';

/**
 * One exchange, many times: `count` attempts with one nonce and a DPoP proof each. When `answered` of
 * them have their answer `strike` is called, and as many attempts follow while the others fail over.
 */
export async function runDuplicates({ issuer, operator, count, answered, strike }) {
  const { machine, body } = await persist(async () => {
    const machine = await createMachine({ issuer, operator });
    const body = await machine.prepareExchange();
    machine.close();
    if (body === undefined) throw new Error('No exchange could be prepared.');
    return { machine, body };
  });
  const { keyPair, key } = machine;

  const statuses = new Map();
  let inFlight = 0;
  let done = 0;
  let atStrike = 0;
  let begin;
  const struck = new Promise((resolve) => {
    begin = resolve;
  });
  /** At the very answer, not at a look now and then: on a busy machine answers come in crowds. */
  function strikeAt(answers) {
    if (atStrike > 0 || answers < answered) return;
    atStrike = inFlight;
    begin(strike());
  }
  async function go(one) {
    inFlight++;
    const { status } = await one();
    inFlight--;
    statuses.set(status, (statuses.get(status) ?? 0) + 1);
    strikeAt(++done);
  }

  const attempts = () =>
    Promise.all(Array.from({ length: count }, () => attempt({ issuer, keyPair, body })));
  const [first, second] = [await attempts(), await attempts()];
  const sent = first.map(go);
  // At 0 they have just been sent.
  await sleep(15);
  strikeAt(done);
  while (atStrike === 0) await sleep(1);
  for (const one of second) {
    sent.push(go(one));
    await sleep(4_000 / count);
  }
  await Promise.all([struck, ...sent]);
  return { key, atStrike, attempts: 2 * count, tokens: statuses.get(200) ?? 0, statuses };
}
