import { problemSchema } from '@pzk-auth/protocol';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { createDpopSigner } from '../../src/transport/dpop-signer.js';
import { createTransport } from '../../src/transport/transport.js';

afterEach(() => {
  vi.useRealTimers();
});

function post(fetch: () => Promise<Response>, signal = new AbortController().signal) {
  const signer = createDpopSigner(Date.now);
  const transport = createTransport({
    baseUrl: 'https://api.example.com/pzk',
    fetch,
    signer,
    synchronizeClock: async () => false,
  });
  return transport.post({ path: '/x', body: {}, signal }, problemSchema);
}

/** A body without end that counts what was taken of it. */
function endless() {
  let taken = 0;
  const body = new ReadableStream<Uint8Array>({
    pull(controller) {
      taken += 16 * 1024;
      // So that an unbounded reader fails instead of hanging.
      if (taken > 8 * 1024 * 1024) controller.close();
      else controller.enqueue(new Uint8Array(16 * 1024).fill(32));
    },
  });
  return { body, taken: () => taken };
}

describe('time', () => {
  it('gives up on a server that does not answer, even if fetch ignores the signal', async () => {
    vi.useFakeTimers();
    const posted = post(() => new Promise(() => {}));
    const refused = expect(posted).rejects.toMatchObject({ code: 'network_error' });
    await vi.advanceTimersByTimeAsync(30_000);
    await refused;
  });

  it('gives up on an answer that does not end', async () => {
    vi.useFakeTimers();
    const posted = post(async () => new Response(new ReadableStream()));
    const refused = expect(posted).rejects.toMatchObject({ code: 'network_error' });
    await vi.advanceTimersByTimeAsync(30_000);
    await refused;
  });

  it('ends at once by the signal of the caller, and leaves no timer', async () => {
    vi.useFakeTimers();
    const controller = new AbortController();
    const posted = post(() => new Promise(() => {}), controller.signal);
    controller.abort();
    await expect(posted).rejects.toMatchObject({ code: 'aborted' });
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe('length', () => {
  it('reads no more than 256 KiB of an answer', async () => {
    const { body, taken } = endless();
    await expect(post(async () => new Response(body))).rejects.toMatchObject({
      code: 'unexpected_response',
    });
    expect(taken()).toBeLessThan(320 * 1024);
  });

  it('reads no more than 16 KiB of a problem', async () => {
    const { body, taken } = endless();
    const headers = { 'content-type': 'application/problem+json' };
    await expect(
      post(async () => new Response(body, { status: 400, headers })),
    ).rejects.toMatchObject({ code: 'unexpected_response' });
    expect(taken()).toBeLessThan(80 * 1024);
  });

  it('reads an answer within the bound, whose letters are split between chunks', async () => {
    const title = 'é'.repeat(20);
    const bytes = new TextEncoder().encode(
      JSON.stringify({ type: 'a#b', title, status: 400, code: 'invalid_grant' }),
    );
    const body = new ReadableStream<Uint8Array>({
      start(controller) {
        for (const byte of bytes) controller.enqueue(Uint8Array.of(byte));
        controller.close();
      },
    });
    expect(await post(async () => new Response(body))).toMatchObject({ title });
  });
});

describe('problems', () => {
  const answer = (members: object) => async () =>
    new Response(JSON.stringify({ type: 'a#b', status: 400, code: 'invalid_grant', ...members }), {
      ...{ status: 400, headers: { 'content-type': 'application/problem+json' } },
    });

  it("[V9] says its own words of a code, never the server's", async () => {
    const words = 'apple  river  stone  cloud';
    await expect(post(answer({ title: words, hint: words }))).rejects.toMatchObject({
      code: 'invalid_grant',
      message: 'The credentials are not valid.',
      hint: expect.not.stringContaining('apple'),
    });
  });

  it('[V9] takes no problem whose words steer what shows them', async () => {
    for (const words of ['\u001b[2Kapple', 'a\nb', 'a\u202eb', 'x'.repeat(301)]) {
      for (const members of [{ title: words }, { title: 'No.', hint: words }]) {
        const refused = post(answer(members));
        await expect(refused).rejects.toMatchObject({ code: 'unexpected_response' });
      }
    }
  });
});
