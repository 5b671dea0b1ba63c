import { afterEach, describe, expect, it, vi } from 'vitest';
import { durations } from '../../src/durations.js';
import { assertNoPrfResults } from '../../src/http/prf-results.js';
import { readForm, readJson } from '../../src/http/read-body.js';

const JSON_TYPE = 'application/json';
const FORM_TYPE = 'application/x-www-form-urlencoded';
const MAXIMUM = 100;

afterEach(() => {
  vi.useRealTimers();
});

function createRequest(
  body: BodyInit | null,
  headers: Record<string, string> = { 'content-type': JSON_TYPE },
): Request {
  const init = { method: 'POST', body, headers, duplex: 'half' };
  const request = new Request('https://api.example.com/pzk/token', init);
  if (headers['content-type'] === undefined) request.headers.delete('content-type');
  return request;
}

const read = (body: BodyInit | null, headers?: Record<string, string>) =>
  readJson(createRequest(body, headers), MAXIMUM);
const form = (body: BodyInit | null, headers: Record<string, string> = {}) =>
  readForm(createRequest(body, { 'content-type': FORM_TYPE, ...headers }));

/** JSON of so many bytes. */
const sized = (bytes: number) => `"${'x'.repeat(bytes - 2)}"`;

/** A body in pieces, with what became of it. */
function pieces(...parts: readonly (Uint8Array | Error)[]) {
  const seen = { pulled: 0, cancelled: false };
  const body = new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        const part = parts[seen.pulled++];
        if (part === undefined) controller.close();
        else if (part instanceof Error) controller.error(part);
        else controller.enqueue(part);
      },
      cancel() {
        seen.cancelled = true;
        // A source that never ends its own cancellation.
        return new Promise(() => {});
      },
    },
    { highWaterMark: 0 },
  );
  return { body, seen };
}

describe('bodies', () => {
  it('[H1] honest: reads a body up to its limit, whole or in pieces', async () => {
    expect(await read('{"a":[1]}')).toEqual({ a: [1] });
    expect(await read(sized(MAXIMUM))).toHaveLength(MAXIMUM - 2);
    const { body } = pieces(Buffer.from('{"a"'), Buffer.from(':1'), Buffer.from('}'));
    expect(await read(body)).toEqual({ a: 1 });
  });

  it('[H1] honest: takes the type in any case and with parameters, and no encoding', async () => {
    for (const type of [
      JSON_TYPE,
      'Application/JSON',
      `${JSON_TYPE}; charset=utf-8`,
      `${JSON_TYPE} ;a=b`,
    ]) {
      expect(await read('1', { 'content-type': type })).toBe(1);
    }
    for (const encoding of ['identity', 'Identity']) {
      expect(await read('1', { 'content-type': JSON_TYPE, 'content-encoding': encoding })).toBe(1);
    }
  });

  it('[H1] refuses another type', async () => {
    const other = { code: 'unsupported_media_type' };
    for (const type of [
      'text/plain',
      FORM_TYPE,
      `text/plain; ${JSON_TYPE}`,
      'application/jsonp',
      'x',
      '',
    ]) {
      await expect(read('1', { 'content-type': type })).rejects.toMatchObject(other);
    }
    const { body } = pieces(Buffer.from('1'));
    await expect(read(body, {})).rejects.toMatchObject(other);
    await expect(form('a=b', { 'content-type': JSON_TYPE })).rejects.toMatchObject(other);
  });

  it('[H1] refuses a compressed body unread', async () => {
    for (const encoding of ['gzip', 'br', 'deflate', 'identity, gzip', 'x']) {
      const { body, seen } = pieces(Buffer.from('1'));
      const headers = { 'content-type': JSON_TYPE, 'content-encoding': encoding };
      await expect(read(body, headers)).rejects.toMatchObject({ code: 'unsupported_media_type' });
      expect(seen.pulled).toBe(0);
    }
  });

  it('[H1] refuses one byte too many, declared or not', async () => {
    const large = { code: 'body_too_large' };
    await expect(read(sized(MAXIMUM + 1))).rejects.toMatchObject(large);
    const declare = (length: number) => ({
      'content-type': JSON_TYPE,
      'content-length': String(length),
    });
    const { body, seen } = pieces(Buffer.from('1'));
    await expect(read(body, declare(MAXIMUM + 1))).rejects.toMatchObject(large);
    expect(seen.pulled).toBe(0);
    expect(await read(sized(MAXIMUM), declare(MAXIMUM))).toHaveLength(MAXIMUM - 2);
    // A declaration binds nobody.
    await expect(read(sized(MAXIMUM + 1), declare(1))).rejects.toMatchObject(large);
  });

  it('[H1] reads no further than the limit, and waits for nobody to end', async () => {
    const { body, seen } = pieces(...Array.from({ length: 1000 }, () => new Uint8Array(40)));
    await expect(read(body)).rejects.toMatchObject({ code: 'body_too_large' });
    expect(seen).toEqual({ pulled: 3, cancelled: true });
  });

  it('refuses no body, a broken one, and what is no JSON', async () => {
    const cause = new Error('reset');
    const { body } = pieces(Buffer.from('1'), cause);
    await expect(read(body)).rejects.toMatchObject({ code: 'invalid_request', cause });
    for (const text of [null, '', '{', 'x']) {
      await expect(read(text)).rejects.toMatchObject({ code: 'invalid_request' });
    }
    await expect(read(Uint8Array.of(0x22, 0xff, 0x22))).rejects.toMatchObject({
      code: 'invalid_request',
    });
  });

  it('[H2] gives up on a slow body, and leaves no timer behind', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const silent = new ReadableStream<Uint8Array>({ pull: () => new Promise(() => {}) });
    const outcome = read(silent).catch((error: unknown) => error);
    await vi.advanceTimersByTimeAsync(durations.bodyRead - 1);
    expect(vi.getTimerCount()).toBe(1);
    await vi.advanceTimersByTimeAsync(1);
    expect(await outcome).toMatchObject({ code: 'request_timeout' });
    expect(vi.getTimerCount()).toBe(0);
    expect(await read('1')).toBe(1);
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe('forms', () => {
  it('[H1] honest: gives a plain record of what has a value', async () => {
    expect(await form('a=1&b=x%20y+z&c=&d')).toEqual({ a: '1', b: 'x y z' });
    expect(await form('')).toEqual({});
    expect(await form('a=%C3%BC')).toEqual({ a: 'ü' });
  });

  it('refuses a name that occurs twice, also where one of them is empty', async () => {
    for (const text of ['a=1&a=1', 'a=1&b=2&a=3', 'a=&a=1', 'a=1&a=', 'a&a', 'a=1&%61=2']) {
      await expect(form(text), text).rejects.toMatchObject({ code: 'invalid_request' });
    }
  });

  it('[H6] makes own members of odd names', async () => {
    const record = await form('__proto__=1&constructor=2&toString=3');
    expect(Object.getPrototypeOf(record)).toBe(Object.prototype);
    expect(Object.entries(record)).toEqual([
      ['__proto__', '1'],
      ['constructor', '2'],
      ['toString', '3'],
    ]);
    expect('polluted' in {}).toBe(false);
  });

  it('[H1] refuses more than the body of /token may have', async () => {
    expect(await form(`a=${'x'.repeat(16 * 1024 - 2)}`)).toHaveProperty('a');
    await expect(form(`a=${'x'.repeat(16 * 1024 - 1)}`)).rejects.toMatchObject({
      code: 'body_too_large',
    });
  });
});

describe('PRF results', () => {
  const sent = { clientExtensionResults: { prf: { results: { first: 'AAAA' } } } };

  it('[W8] refuses them in any credential, whatever they hold', () => {
    const refused = expect.objectContaining({ code: 'prf_results_sent' });
    expect(() => assertNoPrfResults(sent)).toThrow(refused);
    expect(() => assertNoPrfResults({}, sent)).toThrow(refused);
    for (const results of [null, undefined, '', {}]) {
      const credential = { clientExtensionResults: { prf: { results } } };
      expect(() => assertNoPrfResults(credential, undefined)).toThrow(refused);
    }
  });

  it('[W8] honest: leaves all others to the parser, odd ones as well', () => {
    const fine = [
      undefined,
      null,
      'results',
      7,
      {},
      { clientExtensionResults: null },
      { clientExtensionResults: 'prf' },
      { clientExtensionResults: {} },
      { clientExtensionResults: { prf: null } },
      { clientExtensionResults: { prf: 'results' } },
      { clientExtensionResults: { prf: { enabled: true } } },
      { clientExtensionResults: { results: {} } },
      { prf: { results: {} } },
    ];
    expect(() => assertNoPrfResults(...fine)).not.toThrow();
    expect(() => assertNoPrfResults()).not.toThrow();
  });
});
