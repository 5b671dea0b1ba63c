import { describe, expect, it } from 'vitest';
import { findProviderHint, looksLikeKeyOf, providerHints, recognizeKey } from '../../src/index.js';

const rest = 'A1b2C3d4E5f6G7h8I9j0K1l2M3n4O5p6';

describe('the service of a key, by how it begins', () => {
  it.each([
    ['anthropic', `sk-ant-api03-${rest}`],
    ['openai', `sk-proj-${rest}`],
    ['openai', `sk-svcacct-${rest}`],
    ['github', `ghp_${rest}`],
    ['github', `github_pat_${rest}`],
    ['google-ai', `AIzaSy${rest}`],
    ['groq', `gsk_${rest}`],
    ['openrouter', `sk-or-v1-${rest}`],
  ])('is %s for %s', (id, key) => {
    expect(recognizeKey(key)?.id).toBe(id);
    expect(recognizeKey(` ${key}\n`)?.id).toBe(id);
    expect(looksLikeKeyOf(id, new TextEncoder().encode(key))).toBe(true);
  });

  it.each([
    ['nothing', ''],
    ['a form that many services share', `sk-${rest}`],
    ['no form at all', rest],
    ['a mark that does not begin it', `x sk-ant-${rest}`],
  ])('is not told by %s', (_, key) => {
    expect(recognizeKey(key)).toBeUndefined();
  });

  it.each([`sk-ant-api03-${rest}`, `sk-or-v1-${rest}`])(
    '%s, though it begins as those of OpenAI do, has not their form',
    (key) => {
      expect(looksLikeKeyOf('openai', new TextEncoder().encode(key))).toBe(false);
      expect(looksLikeKeyOf('openai', new TextEncoder().encode(`sk-${rest}`))).toBe(true);
    },
  );

  it('is told by one mark at most', () => {
    const marks = providerHints.flatMap(({ mark }) => (mark === undefined ? [] : [mark]));
    for (const start of ['sk-ant-', 'sk-proj-', 'sk-or-', 'gsk_', 'ghp_', 'github_pat_', 'AIza']) {
      expect(marks.filter((mark) => mark.test(start))).toHaveLength(1);
    }
  });
});

it.each([
  ['api.mistral.ai', 'authorization', 'Bearer '],
  ['api.groq.com', 'authorization', 'Bearer '],
  ['openrouter.ai', 'authorization', 'Bearer '],
  ['api.elevenlabs.io', 'xi-api-key', ''],
  ['api.deepgram.com', 'authorization', 'Token '],
])('the usual header at %s is known for the approval', (host, name, prefix) => {
  const known = providerHints.filter((one) => one.host === host);
  expect(known).toMatchObject([{ header: { name, prefix } }]);
  expect(findProviderHint(known[0]?.id ?? '')).toBe(known[0]);
});
