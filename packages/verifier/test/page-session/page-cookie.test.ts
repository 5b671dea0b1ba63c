import { describe, expect, it } from 'vitest';
import {
  clearedPageCookie,
  createPageSecret,
  pageCookie,
  pageRowId,
  readPageSecret,
} from '../../src/page-session/page-cookie.js';

const NAME = '__Host-pzk-session';
const secret = `${'abcdefgh'.repeat(5)}_-A`;
const cookie = `${NAME}=${secret}`;

describe('the cookie of a page session', () => {
  it('is written so that no script, other site or sibling host has it', () => {
    expect(pageCookie(secret, 900)).toBe(
      `${cookie}; Max-Age=900; Path=/; Secure; HttpOnly; SameSite=Strict`,
    );
    expect(clearedPageCookie()).toBe(
      `${NAME}=; Max-Age=0; Path=/; Secure; HttpOnly; SameSite=Strict`,
    );
  });

  it('holds 32 random bytes', () => {
    const secrets = Array.from({ length: 50 }, createPageSecret);
    expect(new Set(secrets).size).toBe(50);
    for (const one of secrets) {
      expect(Buffer.from(one, 'base64url')).toHaveLength(32);
      expect(readPageSecret(`${NAME}=${one}`)).toBe(one);
    }
  });

  it('honest: is found among others, with white space around', () => {
    const headers = [
      cookie,
      `a=b; ${cookie}`,
      `${cookie}; a=b=c`,
      `a;${cookie};`,
      ` ${NAME} = ${secret} ;`,
      `\t${NAME}\t=\t${secret}\t`,
      `x${cookie}; ${cookie}`,
      `x=${NAME}; ${cookie}`,
      `${NAME}x; ${cookie}`,
    ];
    for (const header of headers) expect(readPageSecret(header), header).toBe(secret);
  });

  it('is not found where there is none, an odd one, or two', () => {
    const headers = [
      undefined,
      null,
      '',
      NAME,
      secret,
      `${NAME}=`,
      `${NAME.toLowerCase()}=${secret}`,
      `x${cookie}`,
      `x=${cookie}`,
      `=${secret}`,
      `a=b, ${cookie}`,
      `a=b,${cookie}`,
      `\u00a0${cookie}`,
      `${NAME}\u00a0=${secret}`,
      `${cookie}\u00a0`,
      `${cookie}\n`,
      `${cookie}; ${cookie}`,
      `${cookie}, ${cookie}`,
      `${cookie}; ${NAME}=`,
      `${NAME}=; ${cookie}`,
      `${NAME}="${secret}"`,
      `${cookie}=`,
      `${NAME}=${secret.slice(1)}`,
      `${cookie}A`,
      `${NAME}=.${secret.slice(1)}`,
      // Another spelling of the same bytes.
      `${NAME}=${secret.slice(0, -1)}B`,
    ];
    for (const header of headers) expect(readPageSecret(header), `${header}`).toBeUndefined();
    expect(readPageSecret([cookie] as unknown as string)).toBeUndefined();
  });

  it('is stored under a hash that differs by issuer', () => {
    const id = pageRowId('https://api.example.com', secret);
    expect(id).toMatch(/^page:[A-Za-z0-9_-]{43}$/);
    expect(id).toBe(pageRowId('https://api.example.com', secret));
    expect(id).not.toContain(secret);
    const others = [
      pageRowId('https://api.example.com/tenant', secret),
      pageRowId('https://api.example.com', `${secret.slice(0, -1)}E`),
    ];
    expect(new Set([id, ...others]).size).toBe(3);
  });
});
