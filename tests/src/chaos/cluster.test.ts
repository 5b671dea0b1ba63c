import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

/** How often an API process and a Redis master are killed. `npm run test:chaos` asks for 6. */
const ROUNDS = Number(process.env.PZK_CHAOS_ROUNDS ?? 1);
const LOAD = fileURLToPath(new URL('../../../examples/cluster/load/main.mjs', import.meta.url));

describe('three API processes on Redis Cluster and PostgreSQL', () => {
  it('[N2, N7, N9] parts are killed under load: no second token, nothing lost, nothing revoked accepted', {
    timeout: 120_000 + ROUNDS * 120_000,
  }, async () => {
    const run = spawn(process.execPath, [LOAD], {
      env: { ...process.env, PZK_CHAOS_ROUNDS: `${ROUNDS}`, PZK_QUIET: '1' },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    for (const stream of [run.stdout, run.stderr]) {
      stream.setEncoding('utf8');
      stream.on('data', (text: string) => {
        output += text;
      });
    }
    const [code] = await once(run, 'close');
    process.stdout.write(output);
    expect({ code, breaches: output.match(/^FAIL .*$/gm) ?? [] }).toEqual({
      code: 0,
      breaches: [],
    });
    // The rows that say so are there, and so is a failover.
    expect(output).toMatch(/failovers of Redis.* [1-9]/);
    expect(output).toMatch(/EXCHANGES WITH TWO TOKENS +0\n/);
    expect(output).toMatch(/LOST +0\n/);
    expect(output).toMatch(/ACCEPTED +0\n/);
  });
});
