import { type Client, createClient } from '@pzk-auth/client';
import { createSoftwareAuthenticator } from '@pzk-auth/client/testing';
import { createVerifier, memoryStores, type Verifier } from '@pzk-auth/verifier';
import { act, render } from '@testing-library/react';
import { StrictMode } from 'react';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { PzkProvider } from '../src/index.js';
import { ORIGIN, USER } from './service.js';

let verifier: Verifier;
let client: Client;
let apiKey: string;
let opened: number[];

beforeEach(async () => {
  opened = [];
  verifier = createVerifier({
    issuer: ORIGIN,
    audience: ORIGIN,
    rpId: 'localhost',
    origins: [ORIGIN],
    scopes: ['weather:read'],
    stores: memoryStores(),
    pageSessions: true,
  });
  ({ apiKey } = await verifier.keys.issue({ scopes: ['weather:read'] }));
  client = createClient({
    issuer: ORIGIN,
    scope: ['weather:read'],
    authenticator: createSoftwareAuthenticator({ origin: ORIGIN }),
    fetch: async (input, init) => {
      const request = new Request(input, init);
      const response = await verifier.handle(request);
      if (request.url.endsWith('/page-session')) opened.push(response.status);
      return response;
    },
  });
});
afterEach(async () => {
  client.close();
  await verifier.close();
});

it('opens a page session when a session begins, once under StrictMode, and tells of both ends', async () => {
  const changed = vi.fn();
  const page = (listener: () => void) => (
    <StrictMode>
      <PzkProvider client={client} pageSession onPageSession={listener}>
        <p>Page</p>
      </PzkProvider>
    </StrictMode>
  );
  const view = render(page(() => changed('first')));
  expect(opened).toEqual([]);
  await act(() => client.enroll({ apiKey, user: USER }));
  await expect.poll(() => changed.mock.calls).toEqual([['first']]);
  expect(opened).toEqual([204]);
  // Another function is no other wish.
  view.rerender(page(() => changed('second')));
  await act(() => client.renew());
  expect(opened).toEqual([204]);
  await act(() => client.signOut());
  expect(changed.mock.calls).toEqual([['first'], ['second']]);
});

it('opens one for a session that is there already, and none where it is not wanted', async () => {
  await client.enroll({ apiKey, user: USER });
  const view = render(<PzkProvider client={client}>Page</PzkProvider>);
  await act(() => client.renew());
  expect(opened).toEqual([]);
  view.rerender(
    <PzkProvider client={client} pageSession>
      Page
    </PzkProvider>,
  );
  await expect.poll(() => opened).toEqual([204]);
});
