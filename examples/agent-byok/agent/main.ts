#!/usr/bin/env node
/**
 * The agent: takes tasks from the platform and asks a model. It holds no key of anybody. With
 * `BROKER_SOCKET` it uses a broker that runs as another user; without, it starts one as its child, which
 * is for development.
 */
import { connectBroker, startDevelopmentBroker } from '@pzk-auth/agent';
import { createPlatformLink } from './platform-link.js';
import { createAgent } from './run-task.js';

function need(name: string): string {
  const value = process.env[name];
  if (value === undefined || value === '') throw new TypeError(`${name} is missing.`);
  return value;
}

const socket = process.env.BROKER_SOCKET;
const child =
  socket === undefined
    ? await startDevelopmentBroker({
        directory: need('BROKER_DIRECTORY'),
        config: need('BROKER_CONFIG'),
      })
    : undefined;
const broker = child?.connection ?? connectBroker({ socket: socket ?? '' });
const platform = createPlatformLink(need('PLATFORM_ORIGIN'), need('PLATFORM_TOKEN'));
const runTask = createAgent({
  broker,
  platform,
  host: need('UPSTREAM_HOST'),
  model: process.env.UPSTREAM_MODEL ?? 'claude-sonnet-4-5',
});

const ending = new AbortController();
async function end(): Promise<void> {
  if (ending.signal.aborted) process.exit(1);
  ending.abort();
  await child?.close();
  process.exit();
}
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => void end());
// Started by the platform: it ends with it.
process.on('disconnect', () => void end());
process.send?.('ready');

for await (const task of platform.tasks(ending.signal)) void runTask(task);
