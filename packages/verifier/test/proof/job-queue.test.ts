import { describe, expect, it } from 'vitest';
import { JobQueue } from '../../src/proof/job-queue.js';

const drain = (queue: JobQueue<string>): string =>
  Array.from({ length: 20 }, () => queue.shift() ?? '').join('');

describe('job queue', () => {
  it('serves lanes in turn, each in its order, whichever is the longer one', () => {
    for (const [long, short] of [
      ['token', 'enroll'],
      ['enroll', 'token'],
    ] as const) {
      const queue = new JobQueue<string>(8);
      for (const job of 'abcdef') queue.push(job, long);
      for (const job of '12') queue.push(job, short);
      expect(drain(queue)).toMatch(/^(a1b2|1a2b)cdef$/);
    }
  });

  it('bounds each lane on its own, and has room again for what was taken out', () => {
    const queue = new JobQueue<string>(2);
    expect([...'abc'].map((job) => queue.push(job, 'token'))).toEqual([true, true, false]);
    expect([...'123'].map((job) => queue.push(job, 'enroll'))).toEqual([true, true, false]);
    queue.remove('a');
    queue.remove('unknown');
    expect(queue.push('d', 'token')).toBe(true);
    expect(queue.clear().sort()).toEqual(['1', '2', 'b', 'd']);
    expect(queue.shift()).toBeUndefined();
  });
});
