/**
 * A keeper: the process that holds one released secret. Started by the broker for each request, with
 * nothing in its arguments and environment; it ends when the release does, and its memory with it.
 */
import './no-inspector.js';
import { chmodSync } from 'node:fs';
import { createServer } from 'node:http';
import {
  decodeBase64url,
  encodeBase64url,
  isReleasableValue,
  releaseSealInfo,
} from '@pzk-auth/protocol';
import { sendProblem } from '../api/problem.js';
import { type Allowance, createAllowance, type EndReason, releaseEnded } from './allowance.js';
import { systemClocks } from './clocks.js';
import { createForwarder, type Forwarder } from './create-forwarder.js';
import { generateHpkeRecipient, type HpkeRecipient } from './hpke.js';
import type { FromKeeper, KeeperTask, ToKeeper } from './keeper-messages.js';

/** How often it looks whether the release is over; at each use it looks, too. */
const LOOK_MS = 500;

let task: KeeperTask | undefined;
let recipient: HpkeRecipient | undefined;
let secret: Buffer | undefined;
let forwarder: Forwarder | undefined;
let confirm: Allowance['confirm'] = () => {};
let isEnding = false;

function tell(message: FromKeeper, onSent = () => {}): void {
  if (process.connected) process.send?.(message, undefined, undefined, onSent);
  else onSent();
}

/** Overwrites the secret and ends the process. Strings that held it go with the memory. */
function end(reason: EndReason): void {
  if (isEnding) return;
  isEnding = true;
  secret?.fill(0);
  // The broker knows it before a call breaks off, and says so to an agent that asks why.
  tell({ type: 'ended', reason }, () => {
    forwarder?.close();
    process.exit(0);
  });
  // Should the broker take no message any more.
  setTimeout(() => process.exit(0), 1000);
}

async function start(given: KeeperTask): Promise<void> {
  task = given;
  recipient = await generateHpkeRecipient();
  const server = createServer(
    { requestTimeout: 0, headersTimeout: 10_000 },
    (request, response) => {
      if (forwarder === undefined || isEnding) sendProblem(response, releaseEnded());
      else void forwarder.forward(request, response);
    },
  );
  // The broker keeps its connections; it alone can open them.
  server.keepAliveTimeout = 0;
  server.listen(given.socket, () => {
    chmodSync(given.socket, 0o600);
    tell({ type: 'ready', hpkeKey: encodeBase64url(recipient?.publicKey ?? new Uint8Array()) });
  });
}

async function open(message: Extract<ToKeeper, { type: 'release' }>): Promise<void> {
  const key = recipient;
  // Once: the key pair is gone with the first try.
  recipient = undefined;
  if (task === undefined || key === undefined) return;
  try {
    const value = await key.open({
      enc: decodeBase64url(message.enc),
      ct: decodeBase64url(message.ct),
      info: releaseSealInfo(decodeBase64url(message.requestHash)),
    });
    secret = Buffer.from(value.buffer, value.byteOffset, value.length);
  } catch {
    tell({ type: 'invalid' });
    return;
  }
  if (!isReleasableValue(secret)) {
    secret.fill(0);
    tell({ type: 'invalid' });
    return;
  }
  const allowance = createAllowance(task, systemClocks);
  confirm = allowance.confirm;
  confirm(message.askedAt);
  const look = () => {
    const reason = allowance.ended();
    // The last call may still be answered; time and the user's word end it in the middle.
    if (reason !== undefined && (reason !== 'uses' || forwarder?.calls === 0)) end(reason);
  };
  const onChange = () => {
    tell({ type: 'used', uses: allowance.uses, lastUsedAt: allowance.lastUsedAt });
    // After the answer has left.
    setImmediate(look);
  };
  const onHostFailed = (code: string) => tell({ type: 'host-failed', code });
  forwarder = createForwarder(secret, { task, allowance, onChange, onHostFailed });
  setInterval(look, LOOK_MS);
  tell({ type: 'released' });
}

process.title = 'pzk-keeper';
// Traces could show what a function was called with; the broker learns that it failed.
process.on('uncaughtException', () => process.exit(1));
// The broker is gone: so is everybody who could use or end the release.
process.on('disconnect', () => process.exit(0));
// A terminal sends it to the whole group; the broker says when to end.
process.on('SIGINT', () => {});
process.on('message', (message: ToKeeper) => {
  switch (message.type) {
    case 'start':
      void start(message.task);
      break;
    case 'release':
      void open(message);
      break;
    case 'confirm':
      confirm(message.askedAt);
      break;
    case 'end':
      end(message.reason);
      break;
  }
});
