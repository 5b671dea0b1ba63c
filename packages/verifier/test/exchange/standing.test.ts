import { expect, it } from 'vitest';
import type { Standing } from '../../src/exchange/standing.js';

it('a caller has to say of each part whether it is judged', () => {
  const whole: Standing = { account: 'a', key: 'k', device: undefined, sid: undefined };
  // @ts-expect-error: a device that was forgotten would pass, revoked or not.
  const forgotten: Standing = { account: 'a', key: 'k', sid: undefined };
  expect(Object.keys(whole)).not.toEqual(Object.keys(forgotten));
});
