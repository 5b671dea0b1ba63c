import { randomBytes } from 'node:crypto';
import { encodeBase64url, utf8 } from '@pzk-auth/protocol';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { signWith } from '../harness/compact-jws.js';
import { type DpopSurface, prepareSurfaces, withVaults } from '../harness/dpop-surfaces.js';
import { createSessionKey, type TestSessionKey } from '../harness/session-key.js';
import { createWatchedIssuer } from '../harness/watched-issuer.js';

// RFC 9449 section 4.3: the twelve checks, in its order, at every place that takes a proof. Each honest
// twin sends the request that was refused before, with the same nonce and a right proof.

const issuer = createWatchedIssuer({ adapt: withVaults });
afterAll(() => issuer.verifier.close());

function usePlaces(): () => readonly DpopSurface[] {
  let places: readonly DpopSurface[] = [];
  beforeAll(async () => {
    places = await prepareSurfaces(issuer);
  });
  return () => places;
}

async function acceptAll(places: readonly DpopSurface[]) {
  for (const place of places) await place.accepts();
}

describe('1: not more than one DPoP header', () => {
  const places = usePlaces();

  it('[D1] refuses no proof, an empty one and two of them', async () => {
    for (const place of places()) {
      await place.refuses(null);
      await place.refuses('');
      // Two headers arrive joined by a comma.
      const [first, second] = [place.proof(), place.proof()];
      await place.refuses(`${first}, ${second}`);
      await place.refuses(`${first},${first}`);
      await place.refuses(`${first} ${second}`);
      await place.refuses(`, ${first}`);
    }
  });

  it('[D1] honest: one proof passes', () => acceptAll(places()));
});

describe('2: one well-formed JWT', () => {
  const places = usePlaces();

  it('[D2] refuses what is no JWT in compact form', async () => {
    for (const place of places()) {
      const proof = place.proof();
      const [header = '', claims = '', signature = ''] = proof.split('.');
      const hostile = [
        'x',
        `${header}.${claims}`,
        `${header}.${claims}.`,
        `${header}..${signature}`,
        `${proof}.${signature}`,
        `${header}.${claims}.${signature}.x.y`,
        `${proof}=`,
        `${header}=.${claims}.${signature}`,
        `${header}.${claims}.${signature.slice(0, -2)}`,
        `${header}.${claims}.${signature}AAAA`,
        `${header.replace(/^./, '!')}.${claims}.${signature}`,
        `${encodeBase64url(utf8('null'))}.${claims}.${signature}`,
        `${encodeBase64url(utf8('[]'))}.${claims}.${signature}`,
        `${encodeBase64url(utf8('{'))}.${claims}.${signature}`,
        `${encodeBase64url(Uint8Array.of(0xff, 0xfe))}.${claims}.${signature}`,
        JSON.stringify({ protected: header, payload: claims, signature }),
        place.proof({ claims: { pad: 'x'.repeat(2048) } }),
      ];
      for (const text of hostile) await place.refuses(text);
      const signer = signWith(place.sessionKey.privateKey);
      for (const payload of ['null', '[]', '"x"', '1', '{', `${'['.repeat(9)}${']'.repeat(9)}`]) {
        const signed = `${header}.${encodeBase64url(utf8(payload))}`;
        await place.refuses(`${signed}.${encodeBase64url(signer(utf8(signed)))}`);
      }
    }
  });

  it('[D2] honest: a JWT in compact form passes', () => acceptAll(places()));
});

describe('3: all required claims', () => {
  const places = usePlaces();

  it('[D3] refuses a proof without jti, htm, htu or iat, or with one of another type', async () => {
    for (const place of places()) {
      for (const claim of ['jti', 'htm', 'htu', 'iat']) {
        for (const value of [undefined, null, true, {}, [], '']) {
          await place.refuses(place.proof({ claims: { [claim]: value } }));
        }
      }
      for (const jti of [7, ['x'], 'x'.repeat(257)]) {
        await place.refuses(place.proof({ claims: { jti } }));
      }
      await place.refuses(place.proof({ claims: { htm: [place.method] } }));
      await place.refuses(place.proof({ claims: { htu: [place.url] } }));
      await place.refuses(place.proof({ claims: { iat: String(Math.floor(Date.now() / 1000)) } }));
    }
  });

  it('[D3] honest: all claims, and others besides, pass', async () => {
    for (const place of places()) {
      await place.accepts(place.proof({ claims: { exp: 1, nbf: 9e9, extra: { a: [1] } } }));
    }
  });
});

describe('4: typ', () => {
  const places = usePlaces();

  it('[D4] refuses another typ than dpop+jwt', async () => {
    for (const place of places()) {
      for (const typ of [undefined, null, '', 'JWT', 'at+jwt', 'dpop+jwt ', 'DPoP', ['dpop+jwt']]) {
        await place.refuses(place.proof({ header: { typ } }));
      }
    }
  });

  it('[D4] honest: dpop+jwt passes', () => acceptAll(places()));
});

describe('5: an asymmetric algorithm, not none, that is supported', () => {
  const places = usePlaces();

  it('[D5] refuses alg missing, none, symmetric or not on the list', async () => {
    for (const place of places()) {
      const algs = [
        undefined,
        null,
        '',
        'none',
        'None',
        'HS256',
        'RS256',
        'PS256',
        'ES384',
        'ES512',
      ];
      for (const alg of [...algs, 'ES256K', 'es256', 'EdDSA', 'Ed25519', ['ES256'], 256]) {
        await place.refuses(place.proof({ header: { alg } }));
      }
    }
  });

  it('[D5] honest: ES256 passes', () => acceptAll(places()));
});

describe('6: the signature', () => {
  const places = usePlaces();
  let stranger: TestSessionKey;
  beforeAll(async () => {
    stranger = await createSessionKey();
  });

  it('[D6] refuses a signature that the key in jwk did not make', async () => {
    for (const place of places()) {
      await place.refuses(place.proof({ signer: signWith(stranger.privateKey) }));
      await place.refuses(place.proof({ header: { jwk: stranger.jwk } }));
      for (const length of [64]) {
        await place.refuses(place.proof({ signer: () => new Uint8Array(length) }));
        await place.refuses(place.proof({ signer: () => Uint8Array.from(randomBytes(length)) }));
      }
      // Signed over other claims.
      const [, claims = ''] = place.proof().split('.');
      const [header = '', , signature = ''] = place.proof().split('.');
      await place.refuses(`${header}.${claims}.${signature}`);
    }
  });

  it('[D6] honest: a signature by the key in jwk passes', () => acceptAll(places()));
});

describe('7: no private key in jwk', () => {
  const places = usePlaces();

  it('[D7] refuses a jwk with a private member', async () => {
    for (const place of places()) {
      const { jwk } = place.sessionKey;
      for (const member of ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k']) {
        await place.refuses(place.proof({ header: { jwk: { ...jwk, [member]: 'AAAA' } } }));
      }
      for (const odd of [undefined, null, 'x', [jwk], {}]) {
        await place.refuses(place.proof({ header: { jwk: odd } }));
      }
    }
  });

  it('[D7] honest: a public jwk with public members besides passes', async () => {
    for (const place of places()) {
      const jwk = { ...place.sessionKey.jwk, kid: 'mine', use: 'sig' };
      await place.accepts(place.proof({ header: { jwk } }));
    }
  });
});

describe('8: htm', () => {
  const places = usePlaces();

  it('[D8] refuses a proof for another method', async () => {
    for (const place of places()) {
      const other = place.method === 'GET' ? 'POST' : 'GET';
      for (const htm of [other, 'PUT', place.method.toLowerCase(), `${place.method} `, '*']) {
        await place.refuses(place.proof({ claims: { htm } }));
      }
    }
  });

  it('[D8] honest: the method of the request passes', () => acceptAll(places()));
});

describe('9: htu', () => {
  const places = usePlaces();

  it('[D9] refuses a proof for another URL', async () => {
    for (const place of places()) {
      const others = places().filter(({ url }) => url !== place.url);
      for (const { url } of others) await place.refuses(place.proof({ claims: { htu: url } }));
      await place.refuses(place.proof({ claims: { htu: new URL(place.url).pathname } }));
      await place.refuses(place.proof({ claims: { htu: `${place.url}/x` } }));
    }
  });

  it('[D9] honest: the URL of the request, its query and fragment ignored, passes', async () => {
    for (const place of places()) {
      await place.accepts(place.proof({ claims: { htu: `${place.url}?a=b#c` } }));
    }
  });
});

describe('10: the nonce of the server', () => {
  const places = usePlaces();

  it('[D10] a nonce claim that nobody asked for mends no wrong proof', async () => {
    for (const place of places()) {
      const nonce = encodeBase64url(Uint8Array.from(randomBytes(16)));
      await place.refuses(place.proof({ claims: { nonce, htm: 'PUT' } }));
      await place.refuses(place.proof({ claims: { nonce, iat: 0 } }));
      await place.refuses(place.proof({ claims: { nonce, jti: undefined } }));
    }
  });

  it('[D10] honest: a nonce claim that nobody asked for does no harm', async () => {
    for (const place of places()) {
      const answer = await place.accepts(place.proof({ claims: { nonce: 'unrequested' } }));
      expect(answer.headers.get('dpop-nonce')).toBeNull();
    }
  });
});

describe('11: iat', () => {
  const places = usePlaces();
  beforeAll(() => {
    issuer.standing = Date.now();
  });
  afterAll(() => {
    issuer.standing = undefined;
  });

  it('[D11] refuses a proof that is not fresh', async () => {
    for (const place of places()) {
      const now = Math.floor(issuer.now() / 1000);
      for (const iat of [0, -1, now - 62, now - 3600, now + 8, now + 3600, now * 1000, 1e300]) {
        await place.refuses(place.proof({ claims: { iat } }));
      }
    }
  });

  it('[D11] honest: a proof from within the window passes', async () => {
    for (const place of places()) {
      const iat = Math.floor(issuer.now() / 1000) - 30;
      await place.accepts(place.proof({ claims: { iat } }));
    }
  });
});

describe('12: ath, and the key that the token is bound to', () => {
  const places = usePlaces();
  let stranger: TestSessionKey;
  beforeAll(async () => {
    stranger = await createSessionKey();
  });

  it('[D12] refuses a proof without the hash of the token or of a key it is not bound to', async () => {
    // A right proof, but of a stranger's key.
    const foreign = (place: DpopSurface) =>
      place.proof({ header: { jwk: stranger.jwk }, signer: signWith(stranger.privateKey) });
    for (const place of places()) {
      switch (place.name) {
        case 'protected call':
          await place.refuses(place.proof({ claims: { ath: undefined } }));
          await place.refuses(
            place.proof({ claims: { ath: encodeBase64url(new Uint8Array(32)) } }),
          );
          await place.refuses(foreign(place));
          break;
        case '/revoke':
          await place.refuses(foreign(place));
          break;
        case 'renewal':
          // The session row is found by the key, so a stranger has none.
          await place.refuses(foreign(place), { status: 400, code: 'invalid_grant' });
          break;
        default:
          // The nonce carries the key.
          await place.refuses(foreign(place), { status: 400, code: 'invalid_nonce' });
      }
    }
  });

  it('[D12] honest: the hash of the token by the bound key passes', () => acceptAll(places()));
});
