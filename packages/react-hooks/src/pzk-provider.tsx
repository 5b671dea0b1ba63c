'use client';

import type { Client, ClientOptions } from '@pzk-auth/client';
import { type ReactElement, type ReactNode, useEffect, useMemo, useState } from 'react';
import { createCeremonies } from './ceremonies.js';
import { createClientHandle, holdClient } from './client-handle.js';
import { PzkContext } from './pzk-context.js';
import { usePageSession } from './use-page-session.js';

interface CommonProps {
  readonly children?: ReactNode;
  /**
   * Loads the prover as soon as the page has mounted, so that the first proof need not wait for it.
   * Default false: it is loaded by the first ceremony, or by `warmUp()` of a hook.
   */
  readonly warmUp?: boolean;
  /**
   * Takes up the session of before a reload with its session key, without a touch, as far as the
   * server still allows it. Default false.
   */
  readonly resume?: boolean;
  /**
   * Opens a page session whenever a session begins, so that the issuer's own server can render pages for
   * this user; keeps the session alive while the provider is mounted. Only where page and issuer share
   * an origin and the issuer has page sessions on. Default false.
   */
  readonly pageSession?: boolean;
  /** Called when the page session was opened or ended: let the server render the page again. */
  readonly onPageSession?: () => void;
}

/** Props of {@link PzkProvider}: a client, or the options of one. */
export type PzkProviderProps = CommonProps &
  (
    | {
        /** A client of the application's own. The provider does not close it. */
        readonly client: Client;
        readonly options?: undefined;
      }
    | {
        /**
         * Options of a client that the provider creates when it is first needed, never while
         * rendering, and closes when it unmounts. Read once: to change them, change the provider's
         * `key`.
         */
        readonly options: ClientOptions;
        readonly client?: undefined;
      }
  );

/**
 * Gives a client to the hooks below. Safe under StrictMode and on the server, where it renders the
 * signed-out state and touches nothing of the browser.
 *
 * @example
 * ```tsx
 * <PzkProvider options={{ issuer: 'https://api.example.com', scope: ['weather:read'] }}>
 *   <App />
 * </PzkProvider>
 * ```
 */
export function PzkProvider(props: PzkProviderProps): ReactElement {
  const { children, client, options, warmUp = false, resume = false, pageSession = false } = props;
  if (client === undefined && options === undefined) {
    throw new TypeError('PzkProvider: give it a client or the options of one.');
  }
  const [own] = useState(() => (options === undefined ? undefined : createClientHandle(options)));
  const [sessionCeremonies] = useState(createCeremonies);
  const [enrollmentCeremonies] = useState(createCeremonies);
  const [vaultCeremonies] = useState(createCeremonies);
  const value = useMemo(() => {
    const handle = client === undefined ? own : holdClient(client);
    if (handle === undefined)
      throw new TypeError('PzkProvider: change its key to give it options.');
    return { handle, sessionCeremonies, enrollmentCeremonies, vaultCeremonies };
  }, [client, own, sessionCeremonies, enrollmentCeremonies, vaultCeremonies]);

  const { handle } = value;
  useEffect(() => handle.retain(), [handle]);
  // Those that outlive their components; a client of the application's own stays open and ends none.
  // biome-ignore lint/correctness/useExhaustiveDependencies: they belong to the client
  useEffect(
    () => () => {
      sessionCeremonies.abort();
      enrollmentCeremonies.abort();
      vaultCeremonies.abort();
    },
    [handle, sessionCeremonies, enrollmentCeremonies, vaultCeremonies],
  );
  useEffect(() => {
    // A failure shows when a proof is wanted, with its reason.
    if (warmUp)
      handle
        .client()
        .warmUp()
        .catch(() => undefined);
  }, [handle, warmUp]);
  useEffect(() => {
    // No ceremony: the session key alone, and nothing happens where there is none.
    if (resume)
      handle
        .client()
        .resume()
        .catch(() => undefined);
  }, [handle, resume]);

  usePageSession(handle, pageSession, props.onPageSession);

  return <PzkContext.Provider value={value}>{children}</PzkContext.Provider>;
}
