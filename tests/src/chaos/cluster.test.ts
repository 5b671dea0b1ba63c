import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

/** How often an API process and a Redis master are killed. `npm run test:chaos` asks for 6. */
const ROUNDS = Number(process.env.PZK_CHAOS_ROUNDS ?? 1);
const isLong = process.env.PZK_CHAOS_ROUNDS !== undefined;
const EXAMPLE = new URL('../../../examples/cluster/', import.meta.url);

/** Runs one of the loads of examples/cluster; its output holds a row per count. */
async function run(load: string): Promise<{ code: number; output: string }> {
  const child = spawn(process.execPath, [fileURLToPath(new URL(load, EXAMPLE))], {
    env: { ...process.env, PZK_CHAOS_ROUNDS: `${ROUNDS}`, PZK_QUIET: '1' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8');
    stream.on('data', (text: string) => {
      output += text;
    });
  }
  const [code] = await once(child, 'close');
  process.stdout.write(output);
  return { code, output };
}

function breaches({ code, output }: { code: number; output: string }) {
  return { code, breaches: output.match(/^FAIL .*$/gm) ?? [] };
}

describe('three API processes on Redis Cluster and PostgreSQL', () => {
  const timeout = 120_000 + ROUNDS * 120_000;

  it('[N2, N7, N9] parts are killed under load: no second token, nothing lost, nothing revoked accepted', {
    timeout,
  }, async () => {
    const ended = await run('load/main.mjs');
    expect(breaches(ended)).toEqual({ code: 0, breaches: [] });
    // The rows that say so are there, and so is a failover.
    expect(ended.output).toMatch(/failovers of Redis.* [1-9]/);
    expect(ended.output).toMatch(/EXCHANGES WITH TWO TOKENS +0\n/);
    expect(ended.output).toMatch(/LOST +0\n/);
    expect(ended.output).toMatch(/ACCEPTED +0\n/);
  });

  // Instances look for keys once a minute: too long for each run of all tests. The verifier's own tests
  // hold the same in one process.
  if (isLong) {
    it('[H8] honest: keys are rotated under load: nobody is refused, until a key is taken away', {
      timeout,
    }, async () => {
      const ended = await run('load/rotate.mjs');
      expect(breaches(ended)).toEqual({ code: 0, breaches: [] });
      expect(ended.output).toMatch(/rotations of the signing key.* [1-9]/);
      expect(ended.output).toMatch(/FALSE REFUSALS +0\n/);
      expect(ended.output).toMatch(/ACCEPTED +0\n/);
      expect(ended.output).toMatch(/AFTER ITS REMOVAL +0\n/);
    });
  }
});
