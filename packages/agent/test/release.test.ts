import { spawn, spawnSync } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { connect } from 'node:net';
import { join } from 'node:path';
import { encodeBase64url, sha256 } from '@pzk-auth/protocol';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { pair } from '../src/broker/pair.js';
import { createPairingStore } from '../src/broker/pairing-store.js';
import type { BrokerGrant } from '../src/index.js';
import { generateAgentKeyPem, importAgentKey } from '../src/platform/agent-key.js';
import { sendRaw } from './harness/raw-socket.js';
import {
  makeIdentityKey,
  randomId,
  type StandInPlatform,
  startStandInPlatform,
  type Tampering,
} from './harness/stand-in-platform.js';
import {
  type BrokerProcess,
  type BrokerSetup,
  MAIN,
  pairBroker,
  prepareBroker,
  processesOf,
  runBrokerProcess,
} from './harness/start-broker.js';
import { startWorld, type World } from './harness/start-world.js';
import type { Upstream } from './harness/upstream.js';

const SECRET = 'sk-live-the-secret-of-slot-a';
let world: World;
let platform: StandInPlatform;
let upstream: Upstream;
let broker: BrokerProcess;
let ask: World['ask'];

beforeAll(async () => {
  world = await startWorld(SECRET);
  ({ platform, upstream, broker, ask } = world);
});

afterAll(() => world?.close());

/** The secret went to the host, and so to the broker. */
async function expectUsable(grant: BrokerGrant) {
  await grant.approved();
  upstream.seen.length = 0;
  expect((await grant.fetch(upstream.url)).status).toBe(200);
  expect(upstream.seen[0]?.headers.authorization).toBe(`Bearer ${SECRET}`);
  await grant.end();
}

/** The release is refused with this code, and nothing of it is used. */
async function expectRefused(grant: BrokerGrant, code: string) {
  upstream.seen.length = 0;
  await expect(grant.approved()).rejects.toMatchObject({ code });
  await expect(grant.fetch(upstream.url)).rejects.toMatchObject({ code });
  expect(upstream.seen).toEqual([]);
}

describe('pairing', () => {
  const pairAgain = async (tampering: object) => {
    const other = prepareBroker({});
    try {
      const outcome = await pairBroker(other, platform, tampering).then(
        () => 'paired',
        (error) => error.code,
      );
      const kept = createPairingStore(other.stateDirectory, undefined).list();
      return { outcome, kept: kept.length };
    } finally {
      other.remove();
    }
  };

  it('[V9] honest: both sides show the same words, and the identity key is kept', async () => {
    expect(await pairAgain({})).toEqual({ outcome: 'paired', kept: 1 });
  });

  it('[V9] shows other words where the platform exchanges the identity key', async () => {
    const { publicKey } = await makeIdentityKey();
    const outcome = await pairAgain({ identityKeyForBroker: publicKey });
    expect(outcome).toEqual({ outcome: 'pairing_mismatch', kept: 0 });
  });

  it('[V9] commits to its key: another one shown to the browser does not fit', async () => {
    const { publicKey } = await makeIdentityKey();
    const nonceA = crypto.getRandomValues(new Uint8Array(32));
    const outcome = await pairAgain({ agentKeyForBrowser: { key: publicKey, nonceA } });
    expect(outcome).toEqual({ outcome: 'pairing_mismatch', kept: 0 });
  });

  it('[V9] refuses an identity key that is no point', async () => {
    const key = new Uint8Array(65).fill(1);
    key[0] = 4;
    const outcome = await pairAgain({ identityKeyForBroker: key });
    expect(outcome).toEqual({ outcome: 'pairing_mismatch', kept: 0 });
  });

  /** As a user does it at a terminal. */
  function pairAtTerminal(
    other: Pick<BrokerSetup, 'stateDirectory'>,
    answer: string,
    more: readonly string[] = [],
    env: NodeJS.ProcessEnv = {},
    tampering: Tampering = {},
    at: StandInPlatform = platform,
  ) {
    const { code, words: shown } = at.startPairing(tampering);
    const words = ['pair', '--issuer', at.issuer, '--code', code];
    const all = [MAIN, ...words, '--state', other.stateDirectory, '--development', ...more];
    const child = spawn(process.execPath, all, { env: { ...process.env, ...env } });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (chunk: string) => {
        output += chunk;
        if (output.includes('[y/N]') && !child.stdin.writableEnded) child.stdin.end(answer);
      });
    }
    const gone = new Promise<number | null>((resolve) => {
      child.once('close', resolve);
    });
    return gone.then(async (exit) => {
      // One that ends before it asks shows no words, and the browser waits for ever.
      const words = output.includes('[y/N]') ? await shown : ['none'];
      return { code: exit, output, words };
    });
  }

  it.each([
    ['\n', 1, 0, 'The words differ'],
    ['n\n', 1, 0, 'The words differ'],
    ['maybe\n', 1, 0, 'The words differ'],
    ['', 1, 0, 'Nobody answered'],
    ['y\n', 0, 1, 'once the browser has confirmed'],
  ])(
    '[V9] asks at the terminal, and takes no answer but yes: %j',
    async (answer, exit, expected, said) => {
      const other = prepareBroker({});
      try {
        const { code, output, words } = await pairAtTerminal(other, answer);
        const kept = createPairingStore(other.stateDirectory, undefined).list().length;
        expect({ code, kept }, output).toEqual({ code: exit, kept: expected });
        expect(output).toContain(words.join('  '));
        expect(output).toContain(said);
      } finally {
        other.remove();
      }
    },
  );

  it.each([
    ['that steer the terminal', '\u001b[2K\u001b[1G\n    apple  river  stone  cloud\n\u001b[8m'],
    ['in one plain line', 'apple  river  stone  cloud. Does the browser show the same four words?'],
  ])("[V9] shows none of the platform's own words at the terminal: %s", async (_, screen) => {
    const other = prepareBroker({});
    try {
      const shown = await pairAtTerminal(other, 'y\n', [], {}, { screen });
      expect(shown.code).toBe(1);
      expect(shown.output).not.toContain('apple');
      expect(shown.output).not.toContain('\u001b');
      expect(createPairingStore(other.stateDirectory, undefined).list()).toEqual([]);
    } finally {
      other.remove();
    }
  });

  it('[V11] takes no vault of another platform in the place of one that it has', async () => {
    const other = prepareBroker({});
    const second = await startStandInPlatform(platform.vaultId);
    try {
      const mine = await pairBroker(other, platform);
      for (const replaces of [false, true]) {
        await expect(pairBroker(other, second, { replaces })).rejects.toMatchObject({
          code: 'issuer_mismatch',
        });
      }
      const store = createPairingStore(other.stateDirectory, undefined);
      expect(store.list()).toEqual([mine]);
      // Once it is given up, the other one has a key of its own.
      store.remove(platform.vaultId);
      const paired = await pairBroker(other, second);
      expect(paired.issuer).toBe(second.issuer);
      expect(paired.agentKey).not.toBe(mine.agentKey);
    } finally {
      await second.close();
      other.remove();
    }
  });

  it('[V11] uses no key for another platform where the pairing is damaged', async () => {
    const other = prepareBroker({});
    const second = await startStandInPlatform(platform.vaultId);
    try {
      const { agentKey } = await pairBroker(other, platform);
      const directory = join(other.stateDirectory, 'pairings', platform.vaultId);
      writeFileSync(join(directory, 'pairing.json'), '', { mode: 0o600 });
      expect((await pairBroker(other, second)).agentKey).not.toBe(agentKey);
    } finally {
      await second.close();
      other.remove();
    }
  });

  it('[V11] takes another identity key of a vault that it has only where it is told to', async () => {
    const other = prepareBroker({});
    const second = await startStandInPlatform();
    try {
      const mine = await pairBroker(other, second);
      await second.rotate();
      const refused = await pairAtTerminal(other, 'y\n', [], {}, {}, second);
      expect(refused.code).toBe(1);
      expect(refused.output).toContain('--replace');
      expect(refused.output).not.toContain('[y/N]');
      const store = createPairingStore(other.stateDirectory, undefined);
      expect(store.list()).toEqual([mine]);
      const told = await pairAtTerminal(other, 'y\n', ['--replace'], {}, {}, second);
      expect(told.code, told.output).toBe(0);
      expect(store.list()).toMatchObject([{ agentKey: mine.agentKey }]);
      expect(store.list()[0]?.identityKey).not.toBe(mine.identityKey);
    } finally {
      await second.close();
      other.remove();
    }
  });

  it('[V11] honest: pairs the same vault again, with the same key, without being told', async () => {
    const other = prepareBroker({});
    try {
      const { pairedAt: _, ...mine } = await pairBroker(other, platform);
      expect(await pairBroker(other, platform)).toMatchObject(mine);
    } finally {
      other.remove();
    }
  });

  it('says where the broker that runs has another key or state than the pairing', async () => {
    const other = prepareBroker({});
    const credentials = join(other.directory, 'credentials');
    mkdirSync(credentials, { mode: 0o700 });
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const pem = privateKey.export({ type: 'pkcs8', format: 'pem' });
    writeFileSync(join(credentials, 'signing-key'), pem, { mode: 0o600 });
    const env = { CREDENTIALS_DIRECTORY: credentials };
    const second = await runBrokerProcess(other, { env });
    const pairWith = (state: string, more: NodeJS.ProcessEnv) =>
      pairAtTerminal({ stateDirectory: state }, 'y\n', ['--socket', other.socket], more);
    const { slot } = world;
    const asked = () =>
      second.connection.request({
        ...{ slot, purpose: 'Tests', host: 'api.example', methods: ['GET'], uses: 5, ttl: 60 },
      });
    try {
      const elsewhere = await pairWith(join(other.directory, 'elsewhere'), env);
      expect(elsewhere).toMatchObject({ code: 1, output: expect.stringContaining('--state') });
      await expect(asked()).rejects.toMatchObject({ code: 'not_found' });

      const otherKey = await pairWith(other.stateDirectory, {});
      expect(otherKey).toMatchObject({ code: 1, output: expect.stringContaining('signing key') });
      await expect(asked()).rejects.toMatchObject({
        code: 'not_found',
        hint: expect.stringContaining('Pair anew'),
      });
      expect((await second.connection.status()).vaults).toMatchObject([{ hasKey: false }]);

      expect(await pairWith(other.stateDirectory, env)).toMatchObject({ code: 0 });
      expect((await second.connection.status()).vaults).toMatchObject([{ hasKey: true }]);
      await (await asked()).end();
    } finally {
      await second.close();
      other.remove();
    }
  });

  it.runIf(process.getuid?.() === 0)('does not pair as root (needs root)', () => {
    const other = prepareBroker({});
    const words = ['pair', '--issuer', platform.issuer, '--code', platform.startPairing().code];
    const all = [MAIN, ...words, '--state', other.stateDirectory];
    const { status, stderr } = spawnSync(process.execPath, all, { encoding: 'utf8' });
    expect([status, existsSync(other.stateDirectory)]).toEqual([1, false]);
    expect(stderr).toContain('sudo -u');
    other.remove();
  });

  it('[V9] keeps nothing where the browser has said no before the broker says yes', async () => {
    const other = prepareBroker({});
    const store = createPairingStore(other.stateDirectory, undefined);
    const { code, end } = platform.startPairing();
    const paired = pair({
      ...{ issuer: platform.issuer, code, name: 'Test agent', store },
      confirm: async () => {
        end();
        return true;
      },
    });
    await expect(paired).rejects.toMatchObject({
      code: 'not_found',
      message: expect.stringContaining('ended in the browser'),
    });
    expect(store.list()).toEqual([]);
    other.remove();
  });

  it('refuses codes, issuers and names that are none, and says what is wrong', async () => {
    const other = prepareBroker({});
    const nowhere = 'http://localhost:1';
    try {
      for (const [words, said] of [
        [['--issuer', platform.issuer, '--code', 'ABCD-EFGH'], 'code'],
        [['--issuer', 'http://example.com', '--code', platform.startPairing().code], 'https'],
        [['--issuer', platform.issuer, '--code', '0000-0000-0000-0000'], 'codes live 10 minutes'],
        [['--issuer', nowhere, '--code', '0000-0000-0000-0000'], `${nowhere}/pzk/agent/pairings/`],
      ] as const) {
        const all = [MAIN, 'pair', ...words, '--state', other.stateDirectory, '--development'];
        const child = spawn(process.execPath, all, { stdio: ['ignore', 'ignore', 'pipe'] });
        let output = '';
        child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
          output += chunk;
        });
        const code = await new Promise((resolve) => child.once('close', resolve));
        expect(code, words.join(' ')).toBe(1);
        expect(output).toContain(said);
      }
    } finally {
      other.remove();
    }
  });
});

describe('a release', () => {
  it('[V10] honest: serves the request that was approved', async () => {
    const grant = await ask();
    await platform.approve(grant.id);
    await expectUsable(grant);
  });

  it('[V10] refuses what was approved for another request', async () => {
    const first = await ask({ slot: platform.addSecret('sk-live-another-secret') });
    const second = await ask();
    // Sealed and signed for the first, to the key of the first.
    await platform.approve(first.id);
    const planted = platform.releases.get(first.id)?.sealed;
    await first.approved();
    Object.assign(platform.releases.get(second.id) ?? {}, { status: 'released', sealed: planted });
    await expectRefused(second, 'release_invalid');
    await first.end();
  });

  it('[V10] refuses a seal or a signature over another request', async () => {
    const other = sha256(new Uint8Array(1));
    for (const tampering of [{ sealHash: other }, { signHash: other }]) {
      const grant = await ask();
      await platform.approve(grant.id, tampering);
      await expectRefused(grant, 'release_invalid');
    }
  });

  it('[V10] refuses a seal to another key', async () => {
    const grant = await ask();
    const { publicKey } = await makeIdentityKey();
    await platform.approve(grant.id, { hpkeKey: publicKey });
    await expectRefused(grant, 'release_invalid');
  });

  it('[V10] takes a release once: neither a second one nor the same again', async () => {
    const grant = await ask({ uses: 1 });
    await platform.approve(grant.id);
    const release = platform.releases.get(grant.id);
    const sealed = release?.sealed;
    await grant.approved();
    expect((await grant.fetch(upstream.url)).status).toBe(200);
    await expect.poll(async () => (await world.stateOf(grant)).status).toBe('ended');
    Object.assign(release ?? {}, { status: 'released', sealed });
    platform.tell(release as never);
    await expect(grant.fetch(upstream.url)).rejects.toMatchObject({ code: 'release_ended' });
    expect((await broker.connection.grant(grant.id)).snapshot.status).toBe('ended');
  });

  it('[V10] refuses a release without its secret: somebody else was handed it', async () => {
    const grant = await ask();
    await platform.approve(grant.id);
    const release = platform.releases.get(grant.id);
    if (release !== undefined) release.sealed = undefined;
    await expectRefused(grant, 'release_invalid');
  });

  it('[V10] takes no release for a request that was cancelled', async () => {
    const grant = await ask();
    await grant.end();
    await platform.approve(grant.id);
    await expectRefused(grant, 'release_rejected');
  });

  it('[V10] takes no release that was on its way when the request was cancelled', async () => {
    const grant = await ask();
    let answer = () => {};
    const isOnItsWay = new Promise<void>((arrived) => {
      platform.state.beforeAnswer = async (status) => {
        // The broker may also ask on its own before the approval.
        if (status !== 'released') return;
        arrived();
        return new Promise((resolve) => {
          answer = resolve;
        });
      };
    });
    await platform.approve(grant.id);
    await isOnItsWay;
    await grant.end();
    platform.state.beforeAnswer = async () => {};
    answer();
    await expectRefused(grant, 'release_rejected');
    expect((await broker.connection.grant(grant.id)).snapshot.status).toBe('cancelled');
  });

  it('[V10] takes no release for a request that has expired', async () => {
    const grant = await ask();
    platform.expire(grant.id);
    await expect(grant.approved()).rejects.toMatchObject({ code: 'release_rejected' });
    await platform.approve(grant.id);
    await expectRefused(grant, 'release_rejected');
  });

  it('[V10] gives two agents that race for the last use one call', async () => {
    const grant = await ask({ uses: 1 });
    await platform.approve(grant.id);
    await grant.approved();
    const other = await broker.connection.grant(grant.id);
    upstream.seen.length = 0;
    const outcomes = await Promise.all(
      [grant, other, grant, other].map((one) =>
        one.fetch(upstream.url).then(
          () => 'called',
          (error) => error.code,
        ),
      ),
    );
    expect(outcomes.sort()).toEqual(['called', ...Array(3).fill('release_ended')]);
    expect(upstream.seen).toHaveLength(1);
  });

  it('[V10] refuses calls before the approval, and with a grant that nobody has', async () => {
    const grant = await ask();
    await expect(grant.fetch(upstream.url)).rejects.toMatchObject({ code: 'release_invalid' });
    await grant.end();
    await expect(
      broker.connection.grant(encodeBase64url(new Uint8Array(16))),
    ).rejects.toMatchObject({ code: 'not_found' });
  });

  it('[V11] refuses a secret that another identity key signed', async () => {
    const grant = await ask();
    await platform.approve(grant.id, { signer: await makeIdentityKey() });
    await expectRefused(grant, 'release_invalid');
    // The next one, by the right key, is taken.
    const next = await ask();
    await platform.approve(next.id);
    await expectUsable(next);
  });

  it('[V11] refuses a value that could be more than a header', async () => {
    for (const value of [
      'x\r\nhost: other.test',
      'short',
      ' sk-live-space-before',
      'sk-live-\u00e9\u00e9',
    ]) {
      const grant = await ask();
      await platform.approve(grant.id, { value: new TextEncoder().encode(value) });
      await expectRefused(grant, 'release_invalid');
    }
  });

  it('[V11] honest: takes the secret that the pinned identity key signed', async () => {
    const grant = await ask();
    await platform.approve(grant.id, { value: new TextEncoder().encode(SECRET) });
    await expectUsable(grant);
  });
});

describe('the kill switch', () => {
  it('[V10] is heard while another question is under way', async () => {
    const grant = await ask();
    const other = await ask();
    await platform.approve(grant.id);
    await grant.approved();
    await expect.poll(() => platform.streams.size).toBe(1);
    let answer = () => {};
    const isAsked = new Promise<void>((arrived) => {
      platform.state.beforeUsesAnswer = () => {
        platform.state.beforeUsesAnswer = async () => {};
        arrived();
        return new Promise((resolve) => {
          answer = resolve;
        });
      };
    });
    // A use is reported: the question.
    await (await grant.fetch(upstream.url)).text();
    await isAsked;
    platform.end(grant.id);
    // Events come in order: when the next one was heard, that one was.
    platform.reject(other.id, '');
    await expect(other.approved()).rejects.toMatchObject({ code: 'release_rejected' });
    answer();
    await expect
      .poll(() => world.stateOf(grant), { timeout: 12_000 })
      .toMatchObject({ status: 'ended', endReason: 'user' });
  });
});

describe('a request whose answer was lost', () => {
  it('[V10] is taken back: nobody is asked for a release whose key is gone', async () => {
    const known = new Set(platform.releases.keys());
    platform.state.losesAnswer = true;
    await expect(ask()).rejects.toMatchObject({ code: 'network_error' });
    const stored = [...platform.releases.values()].filter(({ id }) => !known.has(id));
    expect(stored).toHaveLength(1);
    await expect.poll(() => stored[0]?.status).toBe('cancelled');
    const next = await ask();
    await platform.approve(next.id);
    await expectUsable(next);
  });
});

describe('another identity key', () => {
  it('[V11] stops the broker until it is paired anew, releases that go on included', async () => {
    const second = await world.startAnother();
    try {
      const running = await second.release();
      const grant = await second.ask();
      const signer = await makeIdentityKey();
      const claimedIdentityKey = signer.publicKey;
      await platform.approve(grant.id, { signer, claimedIdentityKey });
      await expectRefused(grant, 'vault_identity_changed');
      await expectRefused(running, 'vault_identity_changed');
      await expect(second.ask()).rejects.toMatchObject({
        code: 'vault_identity_changed',
      });
      expect((await second.connection.status()).vaults).toMatchObject([{ stopped: true }]);

      await pairBroker(second.setup, platform);
      const next = await second.ask();
      await platform.approve(next.id);
      await expectUsable(next);
    } finally {
      await second.close();
    }
  });

  it('[V11] stops it by what the platform answers to its uses, without another release', async () => {
    const second = await world.startAnother();
    const { identityKey } = platform.state;
    try {
      const running = await second.release();
      const waiting = await second.ask();
      await running.approved();
      expect((await running.fetch(upstream.url)).status).toBe(200);
      // Uses are reported after a call, and every 20 seconds without one.
      platform.state.identityKey = (await makeIdentityKey()).publicKey;
      await expect
        .poll(() => second.stateOf(running), { timeout: 40_000 })
        .toMatchObject({ status: 'failed', code: 'vault_identity_changed' });
      await expectRefused(running, 'vault_identity_changed');
      await expectRefused(waiting, 'vault_identity_changed');
      await expect(second.ask()).rejects.toMatchObject({ code: 'vault_identity_changed' });
    } finally {
      platform.state.identityKey = identityKey;
      await second.close();
    }
  });

  it('[V11] stops it where that cannot be written, too', async () => {
    const second = await world.startAnother();
    try {
      const running = await second.release();
      const grant = await second.ask();
      // No file of this process may have a byte from now on, as on a full disk.
      const limited = spawnSync('prlimit', ['--pid', String(second.broker.pid), '--fsize=0:']);
      expect(limited.status).toBe(0);
      const signer = await makeIdentityKey();
      await platform.approve(grant.id, { signer, claimedIdentityKey: signer.publicKey });
      await expectRefused(grant, 'vault_identity_changed');
      await expectRefused(running, 'vault_identity_changed');
      await expect(second.ask()).rejects.toMatchObject({
        code: 'vault_identity_changed',
      });
      // A new pairing, by another process, is a new beginning.
      await pairBroker(second.setup, platform);
      const next = await second.ask();
      await platform.approve(next.id);
      await expectUsable(next);
    } finally {
      await second.close();
    }
  });
});

describe('a pairing that is taken back', () => {
  const unpair = (other: BrokerSetup, vault = platform.vaultId) =>
    spawnSync(
      process.execPath,
      [MAIN, 'unpair', '--vault', vault, '--state', other.stateDirectory, '--development'],
      { encoding: 'utf8' },
    );

  it('leaves the other vaults usable where the file of one is damaged', async () => {
    const second = await world.startAnother();
    try {
      const damaged = randomId();
      const directory = join(second.setup.stateDirectory, 'pairings', damaged);
      mkdirSync(directory, { mode: 0o700 });
      writeFileSync(join(directory, 'pairing.json'), '', { mode: 0o600 });
      await expectUsable(await second.release());
      expect((await second.connection.status()).vaults).toHaveLength(1);
      expect(unpair(second.setup, damaged)).toMatchObject({ status: 0 });
      expect(existsSync(directory)).toBe(false);
    } finally {
      await second.close();
    }
  });

  it('[V10] ends what goes on and what waits, and tells the platform', async () => {
    const second = await world.startAnother();
    try {
      const waiting = await second.ask();
      const running = await second.release();
      // A call that is under way ends with it.
      upstream.state.answer = (_, response) => response.write('first\n');
      const call = await running.fetch(upstream.url);
      upstream.seen.length = 0;

      expect(unpair(second.setup)).toMatchObject({ status: 0 });
      await expect(running.fetch(upstream.url)).rejects.toMatchObject({ code: 'release_ended' });
      expect(upstream.seen).toEqual([]);
      await expect(call.text()).rejects.toThrow();
      await expect
        .poll(() => second.stateOf(running))
        .toMatchObject({ status: 'ended', endReason: 'unpaired' });
      await expect.poll(() => second.stateOf(waiting)).toMatchObject({ status: 'cancelled' });
      await expect.poll(() => platform.releases.get(running.id)?.reportedEnd).toBe(true);
      await expect.poll(() => platform.releases.get(waiting.id)?.status).toBe('cancelled');
      await expect(second.ask()).rejects.toMatchObject({ code: 'not_found' });
    } finally {
      upstream.state.answer = (_, response) => response.end('ok');
      await second.close();
    }
  });

  it('[V10] ends what goes on where it is made anew at once, with another key of the broker', async () => {
    const second = await world.startAnother();
    try {
      const running = await second.release();
      const store = createPairingStore(second.setup.stateDirectory, undefined);
      const pairing = store.find(undefined);
      const pem = generateAgentKeyPem();
      const { publicKey } = await importAgentKey(pem);
      // Between two looks of the broker.
      store.remove(pairing.vaultId);
      store.save({ ...pairing, agentKey: encodeBase64url(publicKey) }, pem);
      await expect(running.fetch(upstream.url)).rejects.toMatchObject({ code: 'release_ended' });
      await expect
        .poll(() => second.stateOf(running))
        .toMatchObject({ status: 'ended', endReason: 'unpaired' });
    } finally {
      await second.close();
    }
  });

  it('[V10] honest: one that is made anew with the same key ends nothing', async () => {
    const second = await world.startAnother();
    try {
      const running = await second.release();
      await pairBroker(second.setup, platform);
      // Judged after the broker has looked at the new pairing.
      await new Promise((resolve) => setTimeout(resolve, 1500));
      await expectUsable(running);
    } finally {
      await second.close();
    }
  });
});

describe('what agents can use up', () => {
  it('has no more processes than grants, whoever asks and takes back', async () => {
    const second = await world.startAnother({ config: { limits: { grants: 1 } } });
    const askAnyhow = async (): Promise<BrokerGrant> => {
      for (;;) {
        const grant = await second.ask().catch((error) => {
          expect(error.code).toBe('too_many_requests');
        });
        if (grant !== undefined) return grant;
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    };
    try {
      for (let round = 0; round < 2; round++) {
        const grant = await askAnyhow();
        const [, ...keepers] = processesOf(second.broker.pid);
        expect(keepers).toHaveLength(1);
        // It will not end before it is killed.
        process.kill(keepers[0] ?? 0, 'SIGSTOP');
        await grant.end();
      }
    } finally {
      await second.close();
    }
  });

  it('leaves no process behind where nothing could be asked for', async () => {
    const second = await world.startAnother({ config: { limits: { grants: 1 } } });
    try {
      const store = createPairingStore(second.setup.stateDirectory, undefined);
      const pairing = store.find(undefined);
      // An issuer that no request can name; and then a platform that is not there.
      for (const [issuer, baseUrl] of [
        [`${pairing.issuer}/ `, pairing.baseUrl],
        [pairing.issuer, 'http://localhost:1/pzk'],
      ] as const) {
        store.save({ ...pairing, issuer, baseUrl }, store.keyPemFor(pairing.vaultId));
        await expect(second.ask()).rejects.toThrow();
        await expect.poll(() => processesOf(second.broker.pid)).toHaveLength(1);
      }
      store.save(pairing, store.keyPemFor(pairing.vaultId));
      await (await second.ask()).end();
    } finally {
      await second.close();
    }
  });

  it('closes a connection whose second request does not wait for the first answer', async () => {
    const grant = await ask();
    const poll = `GET /grants/${grant.id}?wait=1&version=999999999 HTTP/1.1\r\nHost: broker\r\n\r\n`;
    const status = 'GET /status HTTP/1.1\r\nHost: broker\r\n\r\n';
    for (const more of [poll, poll.repeat(5000), status]) {
      expect(await sendRaw(world.setup.socket, poll + more)).toBe('');
    }
    // Honest: one that waits is answered again and again.
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const reused: boolean[] = [];
    for (const path of ['/status', `/grants/${grant.id}?wait=1&version=999999999`, '/status']) {
      const sent = request({ socketPath: world.setup.socket, path, agent }).end();
      const [answer] = await once(sent, 'response');
      expect(answer.statusCode).toBe(200);
      reused.push(sent.reusedSocket);
      answer.resume();
      await once(answer, 'end');
    }
    expect(reused).toEqual([false, true, true]);
    agent.destroy();
    await grant.end();
  });

  it('takes so many connections at a time', async () => {
    const other = prepareBroker({}, { limits: { connections: 2 } });
    const second = await runBrokerProcess(other);
    const open = async () => {
      const socket = connect(other.socket);
      await once(socket, 'connect');
      return socket;
    };
    try {
      const sockets = [await open(), await open()];
      const refused = await open();
      refused.resume();
      await once(refused, 'close');
      await expect(second.connection.status()).rejects.toMatchObject({
        code: 'broker_unavailable',
      });
      for (const socket of sockets) socket.destroy();
      await expect
        .poll(() => second.connection.status().catch(() => undefined))
        .toMatchObject({ form: 'development' });
    } finally {
      await second.close();
      other.remove();
    }
  });
});

describe('the end of a broker', () => {
  it('ends its releases and says so, and a killed one leaves no process behind', async () => {
    const second = await world.startAnother();
    const grant = await second.release();
    expect(await second.broker.close()).toBe(0);
    await expect.poll(() => platform.releases.get(grant.id)).toMatchObject({ reportedEnd: true });
    await expect(grant.fetch(upstream.url)).rejects.toMatchObject({ code: 'broker_unavailable' });

    const third = await runBrokerProcess(second.setup);
    const { slot } = world;
    const again = await third.connection.request({
      ...{ slot, purpose: 'Tests', host: upstream.host, methods: ['GET'], uses: 5, ttl: 60 },
    });
    await platform.approve(again.id);
    await again.approved();
    third.kill();
    await third.exited;
    // A socket that was left is taken over; releases are gone.
    const fourth = await runBrokerProcess(second.setup);
    expect(fourth.isListening, fourth.log.text).toBe(true);
    await expect(fourth.connection.grant(again.id)).rejects.toMatchObject({ code: 'not_found' });
    await fourth.close();
    second.setup.remove();
  });
});
