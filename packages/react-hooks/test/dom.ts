import { JSDOM } from 'jsdom';

/**
 * Only the document comes from jsdom. vitest's own jsdom environment would also replace typed arrays,
 * URL and AbortSignal by those of its realm, and Node's WebCrypto and fetch take none of them.
 */
const { window } = new JSDOM('<!doctype html><html><body></body></html>', {
  url: 'http://localhost:3000/',
});
Object.assign(globalThis, {
  window,
  document: window.document,
  location: window.location,
  // React looks for this, so that it warns about changes outside of `act`.
  IS_REACT_ACT_ENVIRONMENT: true,
});
// Node 21 and later has one of its own, behind a getter.
Object.defineProperty(globalThis, 'navigator', { value: window.navigator, configurable: true });
