import { createContext, useContext } from 'react';
import type { Flow } from './flow.js';
import type { WireLog } from './wire-log.js';

/** What the panels of the demo share, besides the session. */
export interface Demo {
  readonly flow: Flow;
  readonly wire: WireLog;
}

/** Set once by main. */
export const DemoContext = createContext<Demo | undefined>(undefined);

/** The demo's own context. */
export function useDemo(): Demo {
  const demo = useContext(DemoContext);
  if (demo === undefined) throw new TypeError('useDemo needs a DemoContext.');
  return demo;
}
