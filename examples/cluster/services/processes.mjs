import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/** Of Redis Cluster: so many above the port of a node is that of its bus. */
const BUS = 10_000;
/** Whoever was given one may not listen yet, and another asks meanwhile. */
const given = new Set();

/**
 * A free port of the loopback, where that of the bus is free, too. From where no system takes ports for
 * outgoing connections: a server that was killed finds its own free again.
 */
export async function freePort() {
  for (;;) {
    const port = randomInt(10_000, 32_000 - BUS);
    if (given.has(port) || given.has(port + BUS)) continue;
    given.add(port).add(port + BUS);
    if ((await canListen(port)) && (await canListen(port + BUS))) return port;
  }
}

async function canListen(port) {
  const server = createServer().listen(port, '127.0.0.1');
  try {
    await once(server, 'listening');
  } catch {
    return false;
  }
  server.close();
  await once(server, 'close');
  return true;
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
