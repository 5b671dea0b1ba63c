import {
  type Client,
  type ClientOptions,
  createClient,
  type EnrollState,
  type SessionState,
  type VaultState,
} from '@pzk-auth/client';
import type { Snapshot } from './snapshot.js';

const SIGNED_OUT: SessionState = Object.freeze({ status: 'signed-out' });
const IDLE: EnrollState = Object.freeze({ status: 'idle' });
const LOCKED: VaultState = Object.freeze({ status: 'locked' });

/** The client's state; before and without a session always the one object that the server renders. */
function readSession(client: Client | undefined): SessionState {
  const state = client?.getSnapshot() ?? SIGNED_OUT;
  return state.status === 'signed-out' ? SIGNED_OUT : state;
}

function readEnrollment(client: Client | undefined): EnrollState {
  const state = client?.enrollment.getSnapshot() ?? IDLE;
  return state.status === 'idle' ? IDLE : state;
}

function readVault(client: Client | undefined): VaultState {
  const state = client?.vault.getSnapshot() ?? LOCKED;
  return state.status === 'locked' ? LOCKED : state;
}

/** How a provider holds its client. */
export interface ClientHandle {
  /** The client. Called in effects and actions only: while rendering nothing is created. */
  client(): Client;
  readonly session: Snapshot<SessionState>;
  readonly enrollment: Snapshot<EnrollState>;
  readonly vault: Snapshot<VaultState>;
  /** Keeps the client open until the returned function is called. */
  retain(): () => void;
}

/** A client of the application's own, which stays the application's to close. */
export function holdClient(client: Client): ClientHandle {
  return {
    client: () => client,
    session: {
      subscribe: (listener) => client.subscribe(listener),
      get: () => readSession(client),
      getServer: () => SIGNED_OUT,
    },
    enrollment: {
      subscribe: (listener) => client.enrollment.subscribe(listener),
      get: () => readEnrollment(client),
      getServer: () => IDLE,
    },
    vault: {
      subscribe: (listener) => client.vault.subscribe(listener),
      get: () => readVault(client),
      getServer: () => LOCKED,
    },
    retain: () => () => {},
  };
}

/**
 * Creates its client when it is first needed and closes it when nobody retains it any more; after
 * that the next need creates another.
 */
export function createClientHandle(options: ClientOptions): ClientHandle {
  let client: Client | undefined;
  let retained = 0;
  let mounted = false;

  // Later: StrictMode ends and repeats all effects in one go, which is no unmount.
  const closeIfUnused = () => {
    setTimeout(() => {
      if (retained > 0) return;
      client?.close();
      client = undefined;
    }, 0);
  };

  const open = () => {
    client ??= createClient(options);
    // A call that comes after the unmount must leave no client and no worker behind. One that comes
    // from an effect of a child may come long before the effects of the provider, which retain it.
    if (mounted && retained === 0) closeIfUnused();
    return client;
  };

  return {
    client: open,
    session: {
      subscribe: (listener) => open().subscribe(listener),
      get: () => readSession(client),
      getServer: () => SIGNED_OUT,
    },
    enrollment: {
      subscribe: (listener) => open().enrollment.subscribe(listener),
      get: () => readEnrollment(client),
      getServer: () => IDLE,
    },
    vault: {
      subscribe: (listener) => open().vault.subscribe(listener),
      get: () => readVault(client),
      getServer: () => LOCKED,
    },
    retain() {
      mounted = true;
      retained++;
      let held = true;
      return () => {
        if (!held) return;
        held = false;
        retained--;
        closeIfUnused();
      };
    },
  };
}
