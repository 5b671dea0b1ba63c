import { describe, expect, it } from 'vitest';
import { readApiKey } from '../../src/legacy/read-api-key.js';

const read = (headers: Record<string, string>) => readApiKey(new Headers(headers));
const refuses = (headers: Record<string, string>, code: string) =>
  expect(() => read(headers), JSON.stringify(headers)).toThrow(expect.objectContaining({ code }));

const jwt = (header: unknown, claims: unknown) =>
  [header, claims]
    .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
    .concat('c2ln')
    .join('.');

describe('readApiKey', () => {
  it('reads the key of either header', () => {
    for (const scheme of ['Bearer ', 'bearer ', 'BEARER   ']) {
      expect(read({ authorization: `${scheme}sk_live_1` })).toBe('sk_live_1');
    }
    expect(read({ 'x-api-key': 'sk_live_1' })).toBe('sk_live_1');
    for (const key of ['a', '!', '~', '+', '-', 'x'.repeat(4096)]) {
      expect(read({ 'x-api-key': key })).toBe(key);
    }
  });

  it('finds none where there is none, or another scheme', () => {
    expect(read({})).toBeUndefined();
    for (const authorization of [
      'DPoP x',
      'dpop x',
      'DPoP',
      'Basic eDp5',
      'Bearers x',
      'x Bearer y',
      'x',
      '',
    ]) {
      expect(read({ authorization })).toBeUndefined();
    }
  });

  it('refuses two credentials in one request', () => {
    for (const authorization of ['Bearer x', 'DPoP x', 'Basic x', 'x']) {
      refuses({ authorization, 'x-api-key': 'y' }, 'invalid_request');
    }
  });

  it('[L5] refuses what can be no key, and two that came as one header', () => {
    for (const authorization of [
      'Bearer',
      'Bearer ',
      'Bearer x y',
      'Bearer x,y',
      'Bearer-x',
      'Bearer\tx',
    ]) {
      refuses({ authorization }, 'invalid_token');
    }
    for (const key of ['', 'a b', 'a,b', 'a, b', 'ä', '\u007f', 'x'.repeat(4097)]) {
      refuses({ 'x-api-key': key }, 'invalid_token');
    }
    for (const last of ['Bearer x, Bearer y', 'Bearer x,Bearer y']) {
      refuses({ authorization: last }, 'invalid_token');
    }
    // A host that does not join: no text that no header may hold.
    const odd = { get: (name: string) => (name === 'x-api-key' ? 'a\nb' : null) };
    expect(() => readApiKey(odd)).toThrow(expect.objectContaining({ code: 'invalid_token' }));
  });

  it('[D20] refuses a key beside a DPoP proof', () => {
    refuses({ authorization: 'Bearer x', dpop: 'proof' }, 'invalid_token');
    refuses({ 'x-api-key': 'x', dpop: '' }, 'invalid_token');
  });

  it('[D20] refuses an access token, by its type or by its key', () => {
    const tokens = [
      jwt({ typ: 'at+jwt' }, {}),
      jwt({ typ: 'AT+JWT' }, {}),
      jwt({ typ: 'application/at+jwt' }, {}),
      jwt({ typ: 'at+jwt' }, null),
      jwt({}, { cnf: { jkt: 'x' } }),
      jwt({ typ: 'JWT' }, { cnf: { jkt: '' } }),
      jwt(null, { cnf: { jkt: null } }),
      `e30.${Buffer.from('{"cnf":{"jkt":"x"}}').toString('base64url')}.`,
      `%.${Buffer.from('{"cnf":{"jkt":"x"}}').toString('base64url')}.x`,
    ];
    for (const token of tokens) {
      refuses({ authorization: `Bearer ${token}` }, 'invalid_token');
      refuses({ 'x-api-key': token }, 'invalid_token');
    }
  });

  it('[D20] honest: leaves other tokens and texts with points to the check of the application', () => {
    const keys = [
      'a.b',
      'a.b.c',
      'a.b.c.d',
      jwt({ typ: 'JWT' }, { sub: 'x' }),
      jwt({ typ: ['at+jwt'] }, {}),
      jwt({ typ: 'xat+jwt' }, {}),
      jwt({ typ: 'at+jwtx' }, {}),
      jwt({ typ: 'text/at+jwt' }, {}),
      jwt({}, { cnf: null }),
      jwt({}, { cnf: { 'x5t#S256': 'x' } }),
      jwt(null, null),
      `${jwt({ typ: 'at+jwt' }, {})}.x`,
    ];
    for (const key of keys) expect(read({ 'x-api-key': key })).toBe(key);
  });
});
