import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type AgentRequest,
  agentRequestHash,
  encodeBase64url,
  formatAgentRequest,
  isAgentRequestTimely,
  isDisplayText,
  isReleaseHost,
  lp,
  parseAgentRequest,
  releaseMethods,
} from '../../src/index.js';
import { codeOf, fromHex, readVectors, toHex } from '../read-vectors.js';

interface RequestVectors {
  readonly agentKey: string;
  readonly cases: readonly {
    readonly name: string;
    readonly request: Omit<AgentRequest, 'agentKeyHash' | 'hpkeKey'> & {
      readonly agentKeyHash: string;
      readonly hpkeKey: string;
    };
    readonly bytes: string;
    readonly hash: string;
  }[];
  readonly badHosts: readonly { readonly name: string; readonly host: string }[];
  readonly refused: readonly { readonly name: string; readonly bytes: string }[];
}

const vectors = readVectors<RequestVectors>('agent-requests');
const toRequest = (one: RequestVectors['cases'][number]['request']): AgentRequest => ({
  ...one,
  agentKeyHash: fromHex(one.agentKeyHash),
  hpkeKey: fromHex(one.hpkeKey),
});
const [first, ...others] = vectors.cases;
if (first === undefined) throw new Error('no case');
const base = toRequest(first.request);

const id = fc.uint8Array({ minLength: 16, maxLength: 16 }).map(encodeBase64url);
const label = fc.stringMatching(/^[a-z]([a-z0-9-]{0,20}[a-z0-9])?$/);
const host = fc
  .tuple(
    fc.array(label, { minLength: 1, maxLength: 4 }),
    fc.option(fc.integer({ min: 1, max: 65535 })),
  )
  .map(([names, port]) => names.join('.') + (port === null || port === 443 ? '' : `:${port}`));
const term = fc.oneof(
  fc.record({
    ttl: fc.integer({ min: 1, max: 86_400 }),
    perDay: fc.constant(0),
    notAfter: fc.constant(0),
  }),
  fc.record({
    ttl: fc.constant(0),
    perDay: fc.integer({ min: 1, max: 100_000 }),
    notAfter: fc.integer({ min: 1, max: 4_000_000_000 }),
  }),
);
const request = fc
  .record({
    vaultId: id,
    requestId: id,
    slotId: id,
    purpose: fc
      .string({ unit: 'grapheme', minLength: 1, maxLength: 200 })
      .filter((text) => isDisplayText(text, 1, 200)),
    host,
    methods: fc.subarray([...releaseMethods], { minLength: 1 }),
    header: fc.oneof(
      fc.constant('authorization'),
      fc.stringMatching(/^([a-z0-9]{1,8}-){0,4}(api-key|apikey|token|access-key|auth-key)$/),
    ),
    prefix: fc.stringMatching(/^([A-Za-z][A-Za-z0-9-]{0,31} )?$/),
    uses: fc.integer({ min: 1, max: 1_000_000 }),
  })
  .chain((fields) => term.map((one) => ({ ...base, ...fields, ...one })));

describe('request of an agent', () => {
  it.each(vectors.cases)('[V13] honest: reads and writes $name', (one) => {
    const value = toRequest(one.request);
    expect(toHex(formatAgentRequest(value))).toBe(one.bytes);
    expect(parseAgentRequest(fromHex(one.bytes))).toEqual(value);
    expect(toHex(agentRequestHash(fromHex(one.bytes)))).toBe(one.hash);
  });

  it('[V13] has other bytes after any change of a field', () => {
    expect(new Set(vectors.cases.map(({ bytes }) => bytes)).size).toBe(vectors.cases.length);
    const changed = new Set(others.map(({ name }) => name.replace(/^.*?(\w+) changed$/, '$1')));
    for (const field of Object.keys(base)) expect([...changed]).toContain(field);
  });

  it.each(vectors.refused)('[V13] refuses $name', ({ bytes }) => {
    expect(codeOf(() => parseAgentRequest(fromHex(bytes)))).toBe('release_request_invalid');
  });

  it('round trip', () => {
    fc.assert(
      fc.property(request, (value) => {
        expect(parseAgentRequest(formatAgentRequest(value))).toEqual(value);
      }),
    );
  });

  it('[V13] one spelling only: what is taken is written in the same bytes', () => {
    const bytes = fromHex(first.bytes);
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), (place, flip) => {
        const changed = bytes.slice();
        changed[place] = (changed[place] ?? 0) ^ flip;
        let parsed: AgentRequest;
        try {
          parsed = parseAgentRequest(changed);
        } catch (error) {
          expect(error).toMatchObject({ code: 'release_request_invalid' });
          return;
        }
        expect(toHex(formatAgentRequest(parsed))).toBe(toHex(changed));
      }),
      { numRuns: 2000 },
    );
  });

  it('does not hold on to the bytes that it was read from', () => {
    const bytes = fromHex(first.bytes);
    const parsed = parseAgentRequest(bytes);
    bytes.fill(0);
    expect(parsed).toEqual(base);
  });

  it('refuses counts and lists that are huge without building them', () => {
    const parts = new Uint8Array(4 * 1_000_000);
    expect(codeOf(() => parseAgentRequest(parts))).toBe('release_request_invalid');
    expect(codeOf(() => parseAgentRequest(lp(...Array(300).fill(''))))).toBe(
      'release_request_invalid',
    );
  });

  it('writes nothing that it would refuse', () => {
    const wrong: AgentRequest[] = [
      { ...base, issuer: 'ftp' },
      { ...base, vaultId: '' },
      { ...base, agentKeyHash: new Uint8Array(31) },
      { ...base, hpkeKey: new Uint8Array(65) },
      { ...base, purpose: ' ' },
      { ...base, methods: [] },
      { ...base, methods: ['POST', 'GET'] },
      { ...base, methods: ['TRACE' as 'GET'] },
      { ...base, header: 'referer' },
      { ...base, header: 'X-Api-Key' },
      { ...base, prefix: 'Bearer' },
      { ...base, uses: 0 },
      { ...base, uses: 1.5 },
      { ...base, uses: Number.NaN },
      { ...base, ttl: -1 },
      { ...base, ttl: 0 },
      { ...base, perDay: 1 },
      ...vectors.badHosts.map((one) => ({ ...base, host: one.host })),
    ];
    for (const one of wrong) expect(() => formatAgentRequest(one)).toThrow(TypeError);
  });

  it('is timely where it names no end, or one within 90 days', () => {
    const now = 1_800_000_000;
    const day = 86_400;
    const at = (notAfter: number) => isAgentRequestTimely({ ...base, notAfter }, now);
    expect([at(0), at(now + 1), at(now + 90 * day)]).toEqual([true, true, true]);
    expect([at(now), at(now - 1), at(now + 90 * day + 1)]).toEqual([false, false, false]);
  });
});

describe('host of a request', () => {
  it.each(vectors.badHosts)('[V14] refuses $name', ({ host: bad }) => {
    expect(isReleaseHost(bad)).toBe(false);
  });

  it('[V14] honest: takes names, with a port unless it is 443', () => {
    for (const good of [
      'api.anthropic.com',
      'xn--exmple-cua.com',
      'localhost:8787',
      'a.b:65535',
      '1password.com',
      'r3---sn.example.com',
      '0x.example',
      first.request.host,
    ]) {
      expect(isReleaseHost(good), good).toBe(true);
    }
  });

  it('[V14] takes only what URL parsers read as the same host', () => {
    fc.assert(
      fc.property(fc.oneof(host, fc.stringMatching(/^[a-z0-9.:x-]{1,20}$/)), (text) => {
        if (!isReleaseHost(text) || text.includes('xn--')) return;
        const { host: parsed, username, pathname } = new URL(`https://${text}`);
        expect({ parsed, username, pathname }).toEqual({
          parsed: text,
          username: '',
          pathname: '/',
        });
      }),
      { numRuns: 2000 },
    );
  });
});
