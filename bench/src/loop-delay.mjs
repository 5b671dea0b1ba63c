import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout } from 'node:timers/promises';
import { startChild } from './lib/child.mjs';
import { interleave } from './lib/interleave.mjs';
import { compare } from './lib/result.mjs';
import { median } from './lib/statistics.mjs';
import { createTrapdoorKey } from './lib/trapdoor-key.mjs';

/** Enough that proofs always wait, fewer than the queue takes (64). */
const IN_FLIGHT = 48;

/** Seconds until the first burst, in which all challenges come at once, has become a steady queue. */
const RAMP = 1;

/** Milliseconds between two looks at an event loop. */
const INTERVAL = 10;

/**
 * `loop.delay.p99`: how long the event loop of an Express process is held up while its verifier gets
 * more proofs than it can check.
 *
 * @param {import('./lib/settings.mjs').Settings} settings
 */
export async function measureLoopDelay({ quick, note }) {
  const trapdoor = await createTrapdoorKey();
  const contenders = { ours: await start('ours', trapdoor), peer: await start('peer', trapdoor) };
  try {
    const seconds = quick ? 0.8 : 4;
    // This process waits meanwhile: what delays it is the machine, not the work.
    const bystander = monitorEventLoopDelay({ resolution: INTERVAL });
    /** @param {'ours' | 'peer'} name */
    const measure = (name) => {
      const { server, generator } = contenders[name];
      /** @type {{ rates: number[], idle: number[], worst: number }} */
      const seen = { rates: [], idle: [], worst: 0 };
      return {
        seen,
        run: async (/** @type {number} */ round) => {
          const load = generator.ask({ seconds: RAMP + seconds });
          await setTimeout(1000 * RAMP);
          await server.ask('start');
          bystander.reset();
          bystander.enable();
          await setTimeout(1000 * seconds);
          const { p99, max } = await server.ask('stop');
          bystander.disable();
          const { tokens, refused } = await load;
          if (refused > 0) throw new Error(`${refused} exchanges were refused as too many.`);
          if (round >= 0) {
            seen.rates.push(tokens / (RAMP + seconds));
            seen.worst = Math.max(seen.worst, max);
            seen.idle.push(Math.max(0, bystander.percentile(99) / 1e6 - INTERVAL));
          }
          return p99;
        },
      };
    };
    const [ours, peer] = [measure('ours'), measure('peer')];
    const samples = await interleave({ ours: ours.run, peer: peer.run }, { rounds: quick ? 2 : 9 });
    const describe = (/** @type {typeof ours} */ { seen }) =>
      `${median(seen.rates).toFixed(0)} tokens/s, longest delay ${seen.worst.toFixed(0)} ms, p99 of an idle process beside it ${median(seen.idle).toFixed(1)} ms`;
    note(`loop.delay.p99: meanwhile ours ${describe(ours)}; peer ${describe(peer)}`);
    return [
      compare({
        id: 'loop.delay.p99',
        unit: 'ms',
        better: 'less',
        peer: 'the same issuer with snarkjs 0.7.6 groth16.verify, default (threads)',
        ours: samples.ours,
        theirs: samples.peer,
      }),
    ];
  } finally {
    for (const { server, generator } of Object.values(contenders)) {
      server.end();
      generator.end();
    }
  }
}

/**
 * @param {'ours' | 'peer'} kind
 * @param {import('./lib/trapdoor-key.mjs').TrapdoorKey} trapdoor
 */
async function start(kind, { verificationKey, secrets }) {
  /** @type {import('./lib/child.mjs').Child<string, { p99: number, max: number }>} */
  const server = await startChild(new URL('loop-delay/server.mjs', import.meta.url), {
    kind,
    verificationKey,
  });
  const { port, commitment } = server.ready;
  /** @type {import('./lib/child.mjs').Child<{ seconds: number }, { tokens: number, refused: number }>} */
  const generator = await startChild(new URL('loop-delay/generator.mjs', import.meta.url), {
    port,
    commitment,
    secrets,
    connections: IN_FLIGHT,
  });
  return { server, generator };
}
