import { once } from 'node:events';
import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/** A free port of the loopback, where that of the bus of Redis Cluster (10,000 above) is free, too. */
export async function freePort() {
  for (;;) {
    const port = await listenOnce(0);
    if (port < 55_536 && (await listenOnce(port + 10_000).catch(() => 0)) !== 0) return port;
  }
}

async function listenOnce(wanted) {
  const server = createServer().listen(wanted, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}

const children = new Set();
// What a failure of ours leaves running would be found by nobody.
process.once('exit', () => {
  for (const child of children) child.kill('SIGKILL');
});

/** Remembers a child process, so that it does not outlive this one. */
export function adopt(child) {
  children.add(child);
  child.once('exit', () => children.delete(child));
  return child;
}

export function isRunning(child) {
  return child.exitCode === null && child.signalCode === null;
}

/** Ends a process and waits for its end. */
export async function endProcess(child, signal = 'SIGKILL') {
  if (!isRunning(child)) return;
  const ended = once(child, 'exit');
  child.kill(signal);
  await ended;
}

/** Waits until a condition holds; what it throws counts as no. */
export async function until(isTrue, what, timeout = 60_000) {
  const deadline = performance.now() + timeout;
  while (
    !(await Promise.resolve()
      .then(isTrue)
      .catch(() => false))
  ) {
    if (performance.now() > deadline) throw new Error(`Waited in vain: ${what}`);
    await sleep(50);
  }
}
