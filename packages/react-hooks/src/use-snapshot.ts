'use client';

import { useSyncExternalStore } from 'react';
import type { Snapshot } from './snapshot.js';

/** The state of now; renders again when it changes. */
export function useSnapshot<T>({ subscribe, get, getServer }: Snapshot<T>): T {
  return useSyncExternalStore(subscribe, get, getServer);
}
