import { describe, expect, it } from 'vitest';
import { createAllowance } from '../../src/keeper/allowance.js';

const HOUR = 3_600_000;
const START = 1_790_000_000_000;

function setUp(terms: object) {
  const time = { wall: START, steady: 0 };
  const allowance = createAllowance(
    { uses: 1000, ttl: 0, perDay: 0, notAfter: 0, ...terms },
    () => ({ ...time }),
  );
  const pass = (milliseconds: number) => {
    time.wall += milliseconds;
    time.steady += milliseconds;
    allowance.confirm({ ...time });
  };
  const take = () => {
    try {
      allowance.take();
      return 'taken';
    } catch (error) {
      return (error as { code: string }).code;
    }
  };
  return { time, allowance, pass, take };
}

describe('what the user approved', () => {
  it('[V10] ends exactly with its time', () => {
    const { pass, take } = setUp({ ttl: 60 });
    pass(59_999);
    expect(take()).toBe('taken');
    pass(1);
    expect(take()).toBe('release_ended');
  });

  it('[V10] ends by either clock: one stands still, the other is set back', () => {
    const suspended = setUp({ ttl: 60 });
    suspended.time.wall += 60_000;
    expect(suspended.take()).toBe('release_ended');
    const setBack = setUp({ ttl: 60 });
    setBack.time.wall -= HOUR;
    setBack.time.steady += 60_000;
    setBack.allowance.confirm({ ...setBack.time });
    expect(setBack.take()).toBe('release_ended');
  });

  it('[V10] ends a standing approval at its end', () => {
    const { pass, take, allowance } = setUp({ perDay: 5, notAfter: START / 1000 + 3600 });
    pass(HOUR - 1);
    expect(take()).toBe('taken');
    pass(1);
    expect(take()).toBe('release_ended');
    expect(allowance.ended()).toBe('time');
  });

  it('[V10] ends a standing approval by either clock, too', () => {
    const terms = { perDay: 5, notAfter: START / 1000 + 3600 };
    // Set back by a day: the wall clock would go on for one more.
    const setBack = setUp(terms);
    setBack.time.wall -= 24 * HOUR;
    setBack.pass(HOUR - 1);
    expect(setBack.take()).toBe('taken');
    setBack.pass(1);
    expect(setBack.take()).toBe('release_ended');
    expect(setBack.allowance.ended()).toBe('time');
    const suspended = setUp(terms);
    suspended.time.wall += HOUR;
    suspended.allowance.confirm({ ...suspended.time });
    expect(suspended.take()).toBe('release_ended');
  });

  it('[V10] counts the 60 s from the question, not from its answer', () => {
    const { time, take, allowance } = setUp({ perDay: 5, notAfter: START / 1000 + 86_400 });
    const askedAt = { ...time };
    time.wall += 15_000;
    time.steady += 15_000;
    allowance.confirm(askedAt);
    time.steady += 44_999;
    expect(take()).toBe('taken');
    time.steady += 1;
    expect(take()).toBe('release_ended');
    expect(allowance.ended()).toBe('unconfirmed');
  });

  it('[V10] counts the calls of any 24 hours', () => {
    const { pass, take } = setUp({ perDay: 2, notAfter: START / 1000 + 90 * 86_400 });
    expect(take()).toBe('taken');
    pass(12 * HOUR);
    expect([take(), take()]).toEqual(['taken', 'too_many_requests']);
    pass(12 * HOUR - 1);
    expect(take()).toBe('too_many_requests');
    pass(1);
    expect([take(), take()]).toEqual(['taken', 'too_many_requests']);
  });

  it('[V10] is over after 60 s without an answer of the platform', () => {
    const { time, take, allowance } = setUp({ perDay: 5, notAfter: START / 1000 + 86_400 });
    time.steady += 59_999;
    expect(take()).toBe('taken');
    time.steady += 1;
    expect(take()).toBe('release_ended');
    expect(allowance.ended()).toBe('unconfirmed');
    // A machine that slept: the steady clock has not noticed.
    const slept = setUp({ perDay: 5, notAfter: START / 1000 + 86_400 });
    slept.time.wall += 60_000;
    expect(slept.take()).toBe('release_ended');
  });

  it('[V10] honest: goes on while the platform answers, to the last use', () => {
    const { pass, take, allowance } = setUp({ uses: 3, ttl: 600 });
    pass(59_000);
    pass(59_000);
    expect([take(), take(), take()]).toEqual(['taken', 'taken', 'taken']);
    expect(allowance.ended()).toBe('uses');
    expect(take()).toBe('release_ended');
  });

  it('gives back a use of which nothing was sent', () => {
    const { take, allowance } = setUp({ uses: 1, ttl: 600 });
    expect(take()).toBe('taken');
    allowance.giveBack();
    expect(take()).toBe('taken');
    expect(allowance.uses).toBe(1);
  });
});
