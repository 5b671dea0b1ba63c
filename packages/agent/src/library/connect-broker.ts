import { statSync } from 'node:fs';
import { PzkError } from '@pzk-auth/protocol';
import type { BrokerStatus, GrantRequest, GrantSnapshot } from '../api/local-api.js';
import { type BrokerGrant, createBrokerGrant } from './broker-grant.js';
import { createUnixClient } from './unix-request.js';

/** Where the unit of systemd puts it. */
const DEFAULT_SOCKET = '/run/pzk-broker/agent.sock';

/** Options of {@link connectBroker}. */
export interface ConnectBrokerOptions {
  /** Path of the broker's socket; default `/run/pzk-broker/agent.sock`. */
  readonly socket?: string;
  /**
   * Takes a broker that runs as the agent's own user also under `NODE_ENV=production`. Whoever takes over
   * the agent then reads every secret. Default `false`.
   */
  readonly allowSameUserInProduction?: boolean;
}

/** A broker on this machine. */
export interface BrokerConnection {
  /** @throws PzkError `broker_unavailable` */
  status(): Promise<BrokerStatus>;
  /**
   * Asks the user for a secret. The grant waits: see {@link BrokerGrant.approved}.
   *
   * @throws PzkError `broker_unavailable`, `invalid_request`, `not_found`, `too_many_requests`,
   * `vault_identity_changed`, and those of the platform.
   */
  request(request: GrantRequest, options?: { readonly signal?: AbortSignal }): Promise<BrokerGrant>;
  /** A grant of before, by its id. @throws PzkError `not_found` */
  grant(id: string): Promise<BrokerGrant>;
  /** Closes the connections; grants go on at the broker. */
  close(): void;
}

/**
 * @throws PzkError `broker_unavailable` where the broker could keep nothing from this program.
 */
function assertOtherUser(socket: string, isAllowed: boolean): void {
  if (isAllowed || process.env.NODE_ENV !== 'production') return;
  // The owner of the socket is whoever made it; the broker is not asked about itself.
  const owner = statSync(socket, { throwIfNoEntry: false })?.uid;
  if (owner === undefined || owner !== process.getuid?.()) return;
  throw new PzkError('broker_unavailable', 'The broker runs as the user of the agent.', {
    hint: 'Give it a user of its own. Or say allowSameUserInProduction: then everything that runs as this user can read the secrets.',
  });
}

/** Connects with the broker; nothing is sent before the first call. */
export function connectBroker(options: ConnectBrokerOptions = {}): BrokerConnection {
  const { socket = DEFAULT_SOCKET, allowSameUserInProduction = false } = options;
  const client = createUnixClient(socket);
  const guard = () => assertOtherUser(socket, allowSameUserInProduction);
  return {
    async status() {
      guard();
      return (await client.call('GET', '/status')) as BrokerStatus;
    },
    async request(request, { signal } = {}) {
      guard();
      const snapshot = await client.call('POST', '/grants', request, signal);
      return createBrokerGrant(client, snapshot as GrantSnapshot);
    },
    async grant(id) {
      guard();
      const snapshot = await client.call('GET', `/grants/${encodeURIComponent(id)}`);
      return createBrokerGrant(client, snapshot as GrantSnapshot);
    },
    close: () => client.close(),
  };
}
