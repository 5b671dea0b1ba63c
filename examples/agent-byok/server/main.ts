#!/usr/bin/env node
/** `npm start`: platform, agent with its broker, and a stand-in of the upstream API. */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startVendor } from '../vendor/start-vendor.js';
import { openPlatformData } from './data.js';
import { startPlatform } from './start.js';
import { startAgent } from './start-agent.js';

const print = (line = '') => process.stdout.write(`${line}\n`);

function readPort(name: string, fallback: number): number {
  const port = Number(process.env[name] ?? fallback);
  if (!Number.isSafeInteger(port) || port < 0 || port > 65_535) {
    throw new TypeError(`${name} must be a number from 0 to 65535.`);
  }
  return port;
}

const directory = process.env.DATA ?? fileURLToPath(new URL('../../../.data', import.meta.url));
const data = openPlatformData(join(directory, 'platform'));
// The real API: UPSTREAM_HOST=api.anthropic.com npm start
const upstream = process.env.UPSTREAM_HOST;
const vendor =
  upstream === undefined
    ? await startVendor({
        directory: join(directory, 'vendor'),
        port: readPort('VENDOR_PORT', 3443),
      })
    : undefined;
const brokerSocket = process.env.BROKER_SOCKET;
const hasOwnUser = brokerSocket !== undefined;
const platform = await startPlatform({ data, port: readPort('PORT', 3000), hasOwnUser });
const agent = await startAgent({
  directory: join(directory, 'broker'),
  origin: platform.origin,
  token: platform.agentToken,
  upstream: vendor?.host ?? upstream ?? '',
  ...(vendor === undefined ? {} : { caFile: vendor.caFile }),
  ...(brokerSocket === undefined ? {} : { brokerSocket }),
});

print(`\n  Open       ${platform.origin}`);
print(`  Agent      process ${agent.pid}; its page says how to pair it, from a second terminal`);
print(`  Upstream   https://${vendor?.host ?? upstream}`);
const key = vendor?.keys.active().at(-1);
if (key !== undefined) print(`  Its key    ${key}`);
print(`  Data       ${directory}\n`);

let closing = false;
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    if (closing) process.exit(1);
    closing = true;
    vendor?.close();
    void agent
      .close()
      .then(() => platform.close())
      .then(() => data.close())
      .finally(() => process.exit());
  });
}
