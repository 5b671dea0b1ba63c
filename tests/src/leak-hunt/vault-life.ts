import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { AgentPairing } from '@pzk-auth/client';
import {
  createSoftwareAuthenticator,
  createTestClient,
  type SoftwareAuthenticator,
  type TestClient,
} from '@pzk-auth/client/testing';
import { parseRecoveryCode, utf8 } from '@pzk-auth/protocol';
import { pair } from '../../../packages/agent/src/broker/pair.js';
import { createPairingStore } from '../../../packages/agent/src/broker/pairing-store.js';
import {
  allowLoopback,
  type BrokerProcess,
  prepareBroker,
  runBrokerProcess,
} from '../../../packages/agent/test/harness/start-broker.js';
import { startUpstream, type Upstream } from '../../../packages/agent/test/harness/upstream.js';

/** A secret of the user and what it is. */
export interface KnownSecret {
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** A text that nobody else writes. */
const unique = (before: string) => `${before}${randomBytes(24).toString('base64url')}`;
const user = { name: 'ada', displayName: 'Ada' };
const yes = () => true;

/** The authenticator of a device; what its PRF gives goes to `seen`, before the client gets it. */
function watchedAuthenticator(origin: string, seen: (bytes: Uint8Array) => void) {
  const authenticator = createSoftwareAuthenticator({ origin });
  const watch = (credential: PublicKeyCredential) => {
    const { first, second } = credential.getClientExtensionResults().prf?.results ?? {};
    for (const output of [first, second]) {
      if (output !== undefined) seen(new Uint8Array(output as ArrayBuffer).slice());
    }
    return credential;
  };
  const watched: SoftwareAuthenticator = {
    ...authenticator,
    create: async (options) => watch(await authenticator.create(options)),
    get: async (options) => watch(await authenticator.get(options)),
  };
  return watched;
}

/**
 * The life of a vault, with clients as they are: secrets come, change and go; devices join and leave; a
 * code is made and used; an agent gets a key through its broker; and things go wrong on the way.
 *
 * @returns The secrets that a user of it could name.
 */
export async function liveVault(options: {
  readonly issuer: string;
  readonly apiKey: string;
}): Promise<readonly KnownSecret[]> {
  const { issuer, apiKey } = options;
  const secrets: KnownSecret[] = [{ name: 'API key', bytes: utf8(apiKey) }];
  const open = (device: string) =>
    createTestClient({
      issuer,
      scope: ['agents:use'],
      authenticator: watchedAuthenticator(issuer, (bytes) =>
        secrets.push({ name: `PRF output of the ${device} device`, bytes }),
      ),
    });
  const word = (name: string, before = '') => {
    const text = unique(before);
    secrets.push({ name, bytes: utf8(text) });
    return text;
  };

  const noteCode = (code: string) => {
    secrets.push({ name: 'recovery code', bytes: utf8(code) });
    secrets.push({ name: 'recovery code, joined', bytes: utf8(code.replaceAll('-', '')) });
    secrets.push({ name: 'entropy of the recovery code', bytes: parseRecoveryCode(code) });
  };

  const first = open('first');
  await ignore(first.enroll({ apiKey: `${apiKey} broken`, user }));
  await first.enroll({ apiKey, user });
  const vault = await first.vault.open();
  const claude = await vault.addSecret({
    name: word('name of a secret'),
    provider: word('provider of a secret'),
    value: word('key of a third party', 'sk-ant-'),
  });
  // With characters that JSON and URLs escape.
  const odd = await vault.addSecret({ name: 'Odd', value: word('odd key', '"\\é%\t') });
  const gone = await vault.addSecret({ name: 'Gone', value: word('deleted key', 'sk-gone-') });
  await vault.renameSecret(claude, { name: word('second name of a secret') });
  await vault.updateSecret(claude, { value: word('rotated key of a third party', 'sk-ant-') });
  await vault.deleteSecret(gone);
  await vault.readSecret(odd);

  const code = first.vault.recovery.create();
  noteCode(code.code);
  await ignore(code.confirm(code.code.slice(1)));
  await code.confirm(code.code);
  await first.vault.export({ code: code.code });

  const second = open('second');
  const invitation = await first.vault.invitations.create();
  const invited = invitation.fragment.split('=').at(-1) ?? '';
  secrets.push({ name: 'code of an invitation', bytes: Buffer.from(invited, 'base64url') });
  await second.vault.invitations.accept({ code: invitation.fragment, user });
  await invitation.poll();
  await invitation.admit();
  await second.start();
  await second.vault.open();

  await vault.rotateGeneration();
  await releaseToAgent(first, claude, issuer);
  const other = vault.contents.members.find(({ own, kind }) => !own && kind !== 'recovery');
  const removal = await vault.removeDevice(other?.id ?? '');
  noteCode(removal.code);
  await removal.confirm(removal.code);
  await ignore(second.vault.open());
  await vault.updateSecret(odd, { value: word('key after a removal', 'sk-late-') });

  const third = open('third');
  const lost = { user, approveSuccession: yes };
  await ignore(third.vault.recovery.use({ ...lost, code: removal.code.slice(0, -1) }));
  await third.vault.recovery.use({ ...lost, code: removal.code });
  await third.start({ approveSuccession: yes });
  await third.vault.open({ approveSuccession: yes });
  return secrets;
}

/** What is meant to fail: errors are where secrets slip out. */
async function ignore(failing: Promise<unknown>): Promise<void> {
  await failing.then(
    () => {
      throw new TypeError('This should have failed.');
    },
    (error: unknown) => {
      if (error instanceof TypeError) throw error;
    },
  );
}

/** An agent gets a key for calls of its own, and shows that it works. */
async function releaseToAgent(browser: TestClient, slot: string, issuer: string): Promise<void> {
  const upstream = await startUpstream();
  const setup = prepareBroker(allowLoopback(upstream));
  let broker: BrokerProcess | undefined;
  try {
    broker = await runBrokerProcess(setup);
    const pairing = await browser.vault.agents.pair();
    const shown = compare(pairing);
    await pair({
      ...{ issuer, code: pairing.code, name: 'Night worker' },
      store: createPairingStore(setup.stateDirectory, undefined),
      confirm: async (words) => words.join(' ') === (await shown).join(' '),
    });
    await pairing.confirm();
    await callThrough(broker, browser, slot, upstream);
  } finally {
    await broker?.close();
    await upstream.close();
    setup.remove();
  }
}

async function compare(pairing: AgentPairing): Promise<readonly string[]> {
  for (;;) {
    const state = await pairing.poll();
    if (state.status === 'compare') return state.words;
    if (state.status === 'ended') throw new TypeError('The pairing has ended.');
    await sleep(50);
  }
}

async function callThrough(
  broker: BrokerProcess,
  browser: TestClient,
  slot: string,
  upstream: Upstream,
): Promise<void> {
  const grant = await broker.connection.request({
    ...{ slot, purpose: 'Summarise the week', host: upstream.host, methods: ['POST'] },
    ...{ uses: 3, ttl: 600 },
  });
  const { requests } = await browser.vault.approvals.list();
  const approval = requests.find(({ id }) => id === grant.id);
  if (approval === undefined) throw new TypeError('The request is not there.');
  await browser.vault.approvals.approve(approval);
  await grant.approved();
  const answer = await grant.fetch(`${upstream.url}/v1/messages`, { method: 'POST', body: 'hi' });
  await answer.text();
  // It went where it should go, and so was there to be leaked.
  const value = Buffer.from(await browser.vault.current.readSecret(slot)).toString();
  if (!upstream.seen.at(-1)?.headers.authorization?.endsWith(value)) {
    throw new TypeError('The key did not reach the host.');
  }
  await grant.end();
}
