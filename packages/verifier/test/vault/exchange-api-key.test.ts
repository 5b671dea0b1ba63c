import { createMemoryStorage } from '@pzk-auth/client';
import { createSoftwareAuthenticator, createTestClient } from '@pzk-auth/client/testing';
import { expect, it } from 'vitest';
import { createVerifier, memoryStores } from '../../src/index.js';

const ISSUER = 'http://localhost:3000';
const scope = ['weather:read'];

it('takes a rotated API key of the issuer from the vault, in every browser', async () => {
  const verifier = createVerifier({
    issuer: ISSUER,
    audience: ISSUER,
    rpId: 'localhost',
    origins: [ISSUER],
    scopes: scope,
    stores: memoryStores(),
  });
  const authenticator = createSoftwareAuthenticator({ origin: ISSUER });
  const openBrowser = () =>
    createTestClient({
      issuer: ISSUER,
      scope,
      authenticator,
      storage: createMemoryStorage(),
      fetch: (input, init) => verifier.handle(new Request(input, init)),
    });
  const { apiKey, row } = await verifier.keys.issue({ scopes: scope });
  const browser = openBrowser();
  await browser.enroll({ apiKey, user: { name: 'ada', displayName: 'Ada' } });

  const rotated = await verifier.keys.rotate(row.id, { grace: 3600 });
  const vault = await browser.vault.open();
  const slot = vault.contents.slots.find(({ kind }) => kind === 'api-key');
  await vault.updateSecret(slot?.id ?? '', { value: rotated?.apiKey ?? '' });
  await verifier.keys.revoke(row.id);

  for (const one of [browser, openBrowser()]) {
    await one.start();
    expect(one.getSnapshot()).toMatchObject({ status: 'active' });
  }
  await verifier.close();
});
