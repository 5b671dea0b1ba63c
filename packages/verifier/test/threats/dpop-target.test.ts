import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  callProtected,
  type DpopSurface,
  prepareSurfaces,
  proofClaims,
  withVaults,
} from '../harness/dpop-surfaces.js';
import { ISSUER } from '../harness/issuer.js';
import { createWatchedIssuer, expectRefused } from '../harness/watched-issuer.js';
import { createWireClient } from '../harness/wire-client.js';

const issuer = createWatchedIssuer({ adapt: withVaults });
afterAll(() => issuer.verifier.close());

const REFUSED = { status: 401, code: 'invalid_dpop_proof' } as const;

/** URLs that name another resource, or none. */
function otherUrls(text: string): readonly string[] {
  const { host, pathname, origin } = new URL(text);
  return [
    `http://${host}${pathname}`,
    `ftp://${host}${pathname}`,
    `${origin}:8443${pathname}`,
    `${origin}:80${pathname}`,
    `https://evil.example${pathname}`,
    `https://${host}.evil.example${pathname}`,
    `https://evil.${host}${pathname}`,
    `https://${host}.${pathname}`,
    `https://${host}@evil.example${pathname}`,
    `https://user@${host}${pathname}`,
    `https://user:secret@${host}${pathname}`,
    `${origin}${pathname}/`,
    `${origin}/${pathname}`,
    `${origin}${pathname.toUpperCase()}`,
    `${origin}${pathname}%2F`,
    `${origin}${pathname}%00`,
    `${origin}${pathname};a=b`,
    `${origin}${pathname}/..`,
    `${origin}${pathname}/%2e%2e`,
    `${origin}/mount${pathname}`,
    `${origin}${pathname.replace('/', '/%252e%252e/')}`,
    `${origin}${pathname.replace('/', '/%2F')}`,
    `${origin}`,
    pathname,
    `//${host}${pathname}`,
    host + pathname,
  ];
}

/** Texts that a lenient parser repairs into the right URL. */
function repairedUrls(text: string): readonly string[] {
  const { host, pathname } = new URL(text);
  return [
    ` ${text}`,
    `${text} `,
    `${text}\n`,
    `https:\t//${host}${pathname}`,
    `https:${host}${pathname}`,
    `https:/${host}${pathname}`,
    `https:///${host}${pathname}`,
    `https:\\\\${host}${pathname}`,
    `https://${host}${pathname.replace('/', '\\')}`,
    `https://@${host}${pathname}`,
    `https://${host}${pathname}\u0000`,
  ];
}

describe('every place that takes a proof', () => {
  let places: readonly DpopSurface[] = [];
  beforeAll(async () => {
    places = await prepareSurfaces(issuer);
  });

  it('[D15] refuses another scheme, host, port or path', async () => {
    for (const place of places) {
      for (const htu of otherUrls(place.url)) await place.refuses(place.proof({ claims: { htu } }));
    }
  });

  it('[D15] refuses what is no URI but would be repaired into the right one', async () => {
    for (const place of places) {
      for (const htu of repairedUrls(place.url)) {
        await place.refuses(place.proof({ claims: { htu } }));
      }
    }
  });

  it('[D15] refuses a proof for the host that Host and X-Forwarded headers claim', async () => {
    const forged = {
      host: 'evil.example',
      forwarded: 'host=evil.example;proto=http',
      'x-forwarded-host': 'evil.example',
      'x-forwarded-proto': 'http',
      'x-forwarded-port': '8080',
      'x-forwarded-prefix': '/mount',
      'x-original-url': '/mount',
    };
    for (const place of places) {
      const { pathname } = new URL(place.url);
      for (const origin of ['https://evil.example', 'http://evil.example:8080']) {
        const dpop = place.proof({ claims: { htu: origin + pathname } });
        const status = place.name === 'protected call' ? 401 : 400;
        await expectRefused(issuer, { ...REFUSED, status }, () => place.submit(dpop, forged));
      }
    }
  });

  it('[D15] honest: other spellings of the same URL pass, whatever Host says', async () => {
    for (const place of places) {
      const { host, pathname } = new URL(place.url);
      const letter = pathname.charCodeAt(1).toString(16).toUpperCase();
      const encoded = `/%${letter}${pathname.slice(2)}`;
      const htu = `HTTPS://${host.toUpperCase()}:443/other/..${encoded}`;
      const headers = { host: 'evil.example', 'x-forwarded-host': 'evil.example' };
      await place.accepts(place.proof({ claims: { htu } }), headers);
    }
  });
});

describe('a host that is mounted under a path, behind a proxy', () => {
  const publicUrl = `${ISSUER}/v1`;
  const mounted = createWatchedIssuer({ publicUrl });
  afterAll(() => mounted.verifier.close());

  async function prepare() {
    const { apiKey } = await mounted.verifier.keys.issue({ scopes: ['weather:read'] });
    const client = await createWireClient(mounted, { apiKey });
    const accessToken: string = (await client.enroll()).body.access_token;
    return async (htu: string, url: string) => {
      const claims = proofClaims({ method: 'GET', url: htu, now: mounted.now(), accessToken });
      const dpop = await client.sessionKey.dpop({ url: htu, claims });
      const headers = new Headers({ authorization: `DPoP ${accessToken}`, dpop });
      return callProtected(mounted, { url, headers });
    };
  }

  it('[D15] refuses a proof without the mount path, or for the host in the request target', async () => {
    const call = await prepare();
    const hostile: readonly (readonly [htu: string, url: string])[] = [
      [`${ISSUER}/weather`, '/weather'],
      [`${ISSUER}/v1/v1/weather`, '/weather'],
      [`${ISSUER}/v1/weather`, '/v1/weather'],
      ['https://evil.example/weather', 'https://evil.example/weather'],
      ['https://evil.example/v1/weather', 'https://evil.example/weather'],
      [`${ISSUER}/weather`, `${ISSUER}/weather`],
      [`${ISSUER}/v1/weather`, '/../weather'],
      // A target that leaves the mount, or that a router matches by its raw path.
      [`${ISSUER}/weather`, '/../weather'],
      [`${ISSUER}/weather`, '/%2e%2e/weather'],
      [`${ISSUER}/v1/weather`, '/admin/../weather'],
      [`${ISSUER}/v1/weather`, '/admin/.%2E/weather?city=Delft'],
      [`${ISSUER}/v1/weather`, '/./weather'],
      [`${ISSUER}/v1/weather`, '/weather\\'],
      [`${ISSUER}/v1/weather`, 'http://internal/admin/../weather'],
      [`${ISSUER}/v1/weather`, '*'],
      [`${ISSUER}/v1/weather`, ''],
      [`${ISSUER}/v1/weather`, 'http://['],
    ];
    for (const [htu, url] of hostile) await expectRefused(mounted, REFUSED, () => call(htu, url));
  });

  it('[D15] honest: a proof for the public URL passes, in both forms of the target', async () => {
    const call = await prepare();
    expect((await call(`${publicUrl}/weather`, '/weather?city=/../Delft')).status).toBe(200);
    expect((await call(`${publicUrl}/.well/..x`, '/.well/..x')).status).toBe(200);
    expect((await call(`${publicUrl}/weather`, 'http://internal:3000/weather')).status).toBe(200);
  });
});
