import { expect } from 'vitest';
import type { BrokerGrant, GrantRequest } from '../../src/index.js';
import { type StandInPlatform, startStandInPlatform } from './stand-in-platform.js';
import { allowLoopback, pairBroker, prepareBroker, runBrokerProcess } from './start-broker.js';
import { startUpstream, type Upstream } from './upstream.js';

/** How a broker differs from the usual one. */
export interface PairedBrokerOptions {
  /** What the configuration says of the upstream. */
  readonly host?: object;
  readonly config?: object;
  readonly env?: NodeJS.ProcessEnv;
}

async function startPairedBroker(
  { platform, upstream, slot }: { platform: StandInPlatform; upstream: Upstream; slot: string },
  { host = {}, config = {}, env = {} }: PairedBrokerOptions,
) {
  const setup = prepareBroker(allowLoopback(upstream, host), config);
  const broker = await runBrokerProcess(setup, { env });
  expect(broker.isListening, broker.log.text).toBe(true);
  await pairBroker(setup, platform);
  const ask = (more: Partial<GrantRequest> = {}): Promise<BrokerGrant> =>
    broker.connection.request({
      ...{ slot, purpose: 'Tests', host: upstream.host, methods: ['GET', 'POST'] },
      ...{ uses: 5, ttl: 600 },
      ...more,
    });
  return {
    setup,
    broker,
    connection: broker.connection,
    ask,
    /** Asks, and has the user approve. */
    async release(more: Partial<GrantRequest> = {}): Promise<BrokerGrant> {
      const grant = await ask(more);
      await platform.approve(grant.id);
      return grant.approved();
    },
    /** The broker's word on a grant. */
    stateOf: async ({ id }: BrokerGrant) => (await broker.connection.grant(id)).snapshot,
    async close() {
      await broker.close();
      setup.remove();
    },
  };
}

/** A broker that is paired with the platform. */
export type PairedBroker = Awaited<ReturnType<typeof startPairedBroker>>;

/** A platform with a secret in its vault, an upstream, and a broker in between: what a file of tests shares. */
export async function startWorld(secret: string, options: PairedBrokerOptions = {}) {
  const platform = await startStandInPlatform();
  const upstream = await startUpstream();
  const slot = platform.addSecret(secret);
  const base = { platform, upstream, slot };
  const first = await startPairedBroker(base, options);
  return {
    ...base,
    ...first,
    /** Another broker, for one test. */
    startAnother: (others: PairedBrokerOptions = {}) => startPairedBroker(base, others),
    async close() {
      await first.close();
      await platform.close();
      await upstream.close();
    },
  };
}

export type World = Awaited<ReturnType<typeof startWorld>>;
