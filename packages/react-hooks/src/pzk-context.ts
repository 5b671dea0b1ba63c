'use client';

import { createContext, useContext } from 'react';
import type { Ceremonies } from './ceremonies.js';
import type { ClientHandle } from './client-handle.js';

/** What a provider gives to the hooks below it. */
export interface PzkContextValue {
  readonly handle: ClientHandle;
  readonly sessionCeremonies: Ceremonies;
  readonly enrollmentCeremonies: Ceremonies;
  readonly vaultCeremonies: Ceremonies;
}

/** The context of the nearest provider. */
export const PzkContext = createContext<PzkContextValue | undefined>(undefined);

/** @throws TypeError outside of a `PzkProvider` */
export function usePzkContext(hook: string): PzkContextValue {
  const value = useContext(PzkContext);
  if (value === undefined) throw new TypeError(`${hook} needs a <PzkProvider> above it.`);
  return value;
}
