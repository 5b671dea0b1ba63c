import { describe, expect, it } from 'vitest';
import { createNonceGuard } from '../../src/nonce/nonce-guard.js';

const passes = async () => true;
const fails = async () => false;
const throws = () => Promise.reject(new Error('the worker ended'));
const spent = { code: 'invalid_nonce' };

describe('the guard of a nonce', () => {
  it('[P12] refuses a nonce after two proofs that failed, or two that passed', async () => {
    for (const check of [passes, fails]) {
      const guard = createNonceGuard();
      const outcome = await check();
      expect(await guard.run('n', check)).toBe(outcome);
      expect(await guard.run('n', check)).toBe(outcome);
      for (const next of [passes, fails]) {
        let ran = false;
        const spy = () => {
          ran = true;
          return next();
        };
        await expect(guard.run('n', spy)).rejects.toMatchObject(spent);
        expect(ran).toBe(false);
      }
    }
  });

  it('[P12] honest: counts those that failed and those that passed apart, and each nonce apart', async () => {
    const guard = createNonceGuard();
    expect(await guard.run('n', fails)).toBe(false);
    expect(await guard.run('n', passes)).toBe(true);
    expect(await guard.run('n', passes)).toBe(true);
    await expect(guard.run('n', passes)).rejects.toMatchObject(spent);
    expect(await guard.run('other', passes)).toBe(true);
    expect(await createNonceGuard().run('n', passes)).toBe(true);
  });

  it('[P12] refuses a second proof of a nonce while one is verified', async () => {
    const guard = createNonceGuard();
    let end: (passed: boolean) => void = () => {};
    const first = guard.run('n', () => new Promise((resolve) => (end = resolve)));
    await expect(guard.run('n', passes)).rejects.toMatchObject({ code: 'too_many_requests' });
    expect(await guard.run('other', passes)).toBe(true);
    end(true);
    expect(await first).toBe(true);
    expect(await guard.run('n', passes)).toBe(true);
  });

  it('counts no check that gave no answer, and lets the next one in', async () => {
    const guard = createNonceGuard();
    for (let times = 0; times < 5; times++) {
      await expect(guard.run('n', throws)).rejects.toThrow('the worker ended');
    }
    expect(await guard.run('n', passes)).toBe(true);
  });

  it('[N10] remembers a bounded number of nonces, the latest', async () => {
    const guard = createNonceGuard();
    for (const nonce of ['oldest', 'oldest', 'second', 'second']) await guard.run(nonce, fails);
    // With these two it remembers as many as it may.
    for (let index = 0; index < 49_998; index++) await guard.run(`n${index}`, fails);
    await expect(guard.run('oldest', fails)).rejects.toMatchObject(spent);
    await guard.run('one more', fails);
    expect(await guard.run('oldest', fails)).toBe(false);
    // That one came back as the latest, and the second went.
    expect(await guard.run('oldest', fails)).toBe(false);
    await expect(guard.run('oldest', fails)).rejects.toMatchObject(spent);
    expect(await guard.run('second', fails)).toBe(false);
  });
});
