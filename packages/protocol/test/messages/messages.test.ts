import { describe, expect, it } from 'vitest';
import {
  encodeBase64url,
  OWNERSHIP_CIRCUIT,
  PROOF_GRANT,
  parseJson,
  parseMessage,
  problemType,
  RENEW_GRANT,
  wireErrorCodes,
} from '../../src/index.js';
import { codeOf, readVectors } from '../read-vectors.js';
import {
  assertion,
  memberPaths,
  objectPaths,
  registration,
  resolve,
  type Sample,
  samples,
  withMember,
  without,
} from './samples.js';

const named = Object.entries(samples).map(([name, sample]) => ({ name, ...(sample as Sample) }));
const accepts = (schema: Sample['schema'], value: unknown) =>
  codeOf(() => parseMessage(schema, value)) === undefined;

describe.each(named)('message $name', ({ schema, value, optional, open = [] }) => {
  it('[H6] honest: takes the valid sample, whole and over the wire', () => {
    expect(parseMessage(schema, value)).toEqual(value);
    expect(parseMessage(schema, parseJson(JSON.stringify(value)))).toEqual(value);
  });

  it('refuses the message with any required member missing', () => {
    const accepted = memberPaths(value).filter((path) => accepts(schema, without(value, path)));
    expect(accepted.sort()).toEqual([...optional].sort());
  });

  it('refuses null and the wrong type in place of any required member', () => {
    const required = memberPaths(value).filter((path) => !optional.includes(path));
    for (const path of required) {
      const parent = path.split('.').slice(0, -1).join('.');
      const name = path.split('.').at(-1) ?? '';
      for (const wrong of [null, [], {}, true, Number.NaN, 1.5, '\u0000']) {
        if (wrong === true && typeof resolve(value, path) === 'boolean') continue;
        const changed = withMember(value, parent, name, wrong);
        // Free text, lists and objects that may be empty.
        const free = [
          'title',
          'type',
          'slots',
          'recipients',
          'devices',
          'ancestry',
          'requests',
          'releases',
          'receipts',
          'entries',
          'successions',
          'revoked',
          'scope',
          'access_token',
          'rp_id',
          'clientExtensionResults',
          'client_id',
          'token',
        ];
        if (!free.includes(name)) expect(accepts(schema, changed), `${path}`).toBe(false);
      }
    }
  });

  it('refuses unknown members, or ignores them where an answer may grow', () => {
    for (const path of objectPaths(value)) {
      const changed = withMember(value, path, 'extra', 1);
      if (open.includes(path)) expect(parseMessage(schema, changed)).toEqual(value);
      else expect(accepts(schema, changed), `at "${path}"`).toBe(false);
    }
  });

  it('[H6] refuses or ignores __proto__, constructor and prototype at every level', () => {
    for (const path of objectPaths(value)) {
      for (const name of ['__proto__', 'constructor', 'prototype']) {
        for (const added of [{ polluted: 1 }, { prototype: { polluted: 1 } }, null]) {
          const text = JSON.stringify(withMember(value, path, name, added));
          const parsed = parseJson(text);
          if (!open.includes(path)) expect(accepts(schema, parsed), `${path} ${name}`).toBe(false);
          else {
            const output = parseMessage(schema, parsed) as object;
            expect(Object.keys(output)).not.toContain(name);
            expect(Object.getPrototypeOf(output)).toBe(Object.prototype);
            expect(output).toEqual(value);
          }
          expect('polluted' in {}).toBe(false);
        }
      }
    }
  });

  it('[H6] takes no member from a __proto__ in the message', () => {
    for (const path of memberPaths(value).filter((one) => !optional.includes(one))) {
      const parent = path.split('.').slice(0, -1).join('.');
      const name = path.split('.').at(-1) ?? '';
      const removed = without(value, path);
      const moved = withMember(removed, parent, '__proto__', { [name]: 'x' });
      expect(accepts(schema, parseJson(JSON.stringify(moved)))).toBe(false);
    }
  });

  it('refuses what is no object', () => {
    for (const wrong of [null, undefined, 1, 'text', true, [], [value], () => value]) {
      expect(accepts(schema, wrong)).toBe(false);
    }
  });
});

describe('WebAuthn JSON', () => {
  const secret = { results: { first: 'AAAA' } };

  it.each([
    ['registration', samples.registration.schema, registration],
    ['assertion', samples.assertion.schema, assertion],
  ] as const)('[W8] refuses prf.results in a %s', (_, schema, value) => {
    for (const results of [secret, { enabled: true, ...secret }, { results: null }]) {
      const changed = withMember(value, 'clientExtensionResults', 'prf', results);
      expect(accepts(schema, changed)).toBe(false);
    }
  });

  it('[W8] refuses prf.results deep in an enrolment and in an opening of the vault', () => {
    for (const [{ schema, value }, path] of [
      [samples.passkeyEnrollment, 'registration.clientExtensionResults.prf'],
      [samples.passkeyEnrollment, 'assertion.clientExtensionResults.prf'],
      [samples.vaultOpenRequest, 'credential.clientExtensionResults.prf'],
    ] as const) {
      const changed = withMember(value, path, 'results', secret.results);
      expect(accepts(schema, changed)).toBe(false);
    }
  });

  it('[W8] refuses results of any other extension', () => {
    for (const name of ['largeBlob', 'hmacGetSecret', 'devicePubKey', 'getCredBlob']) {
      const changed = withMember(assertion, 'clientExtensionResults', name, { blob: 'AAAA' });
      expect(accepts(samples.assertion.schema, changed)).toBe(false);
    }
  });

  it('[W8] honest: takes prf.enabled, and no extension at all', () => {
    for (const results of [{ prf: { enabled: true } }, { prf: { enabled: false } }, {}]) {
      const value = { ...registration, clientExtensionResults: results };
      expect(accepts(samples.registration.schema, value)).toBe(true);
    }
  });

  it('takes no member of the browser’s own JSON beyond the allow-list', () => {
    for (const name of ['publicKey', 'publicKeyAlgorithm', 'authenticatorData']) {
      const changed = withMember(registration, 'response', name, 'AAAA');
      expect(accepts(samples.registration.schema, changed)).toBe(false);
    }
  });
});

describe('circuit ids', () => {
  const vectors = readVectors<{ cases: readonly string[]; refused: readonly string[] }>(
    'circuit-ids',
  );
  const withCircuit = (circuit: unknown) => ({ ...samples.proofGrant.value, circuit });

  it('[P6] refuses ids that are no ids', () => {
    for (const id of vectors.refused) {
      expect(accepts(samples.proofGrant.schema, withCircuit(id)), id).toBe(false);
      const enrollment = { ...samples.keypairEnrollment.value, circuit: id };
      expect(accepts(samples.keypairEnrollment.schema, enrollment), id).toBe(false);
    }
    for (const id of [null, 1, ['ownership/v1'], { toString: 'ownership/v1' }]) {
      expect(accepts(samples.proofGrant.schema, withCircuit(id))).toBe(false);
    }
  });

  it('[P6] honest: takes ids in their form', () => {
    for (const id of vectors.cases) {
      expect(accepts(samples.proofGrant.schema, withCircuit(id)), id).toBe(true);
    }
  });
});

describe('field elements in messages', () => {
  const vectors = readVectors<{
    cases: readonly { text: string }[];
    refused: readonly { name: string; value: unknown }[];
  }>('field-elements');

  it('[P2] refuses a commitment in any other spelling', () => {
    for (const { name, value } of vectors.refused) {
      const message = { ...samples.proofGrant.value, commitment: value };
      expect(accepts(samples.proofGrant.schema, message), name).toBe(false);
    }
  });

  it('[P2] honest: takes a commitment in its canonical spelling', () => {
    for (const { text } of vectors.cases) {
      const message = { ...samples.proofGrant.value, commitment: text };
      expect(accepts(samples.proofGrant.schema, message), text).toBe(true);
    }
  });

  it('[P3] takes no list of signals in place of one', () => {
    for (const signals of [['1'], ['1', '2'], { 0: '1', length: 1 }, [['1']]]) {
      for (const name of ['commitment', 'context', 'publicSignals']) {
        const message = { ...samples.proofGrant.value, [name]: signals };
        expect(accepts(samples.proofGrant.schema, message)).toBe(false);
      }
    }
  });

  it('[P8] takes no context from the client', () => {
    for (const { schema, value } of [samples.proofGrant, samples.passkeyEnrollment]) {
      expect(accepts(schema, { ...value, context: '1' })).toBe(false);
    }
  });
});

describe('names on the wire', () => {
  it('are those of the specification', () => {
    expect(PROOF_GRANT).toBe('urn:pzk-auth:grant-type:proof');
    expect(RENEW_GRANT).toBe('urn:pzk-auth:grant-type:renew');
    expect(OWNERSHIP_CIRCUIT).toBe('ownership/v1');
  });

  const values = [
    [
      samples.challengeRequest,
      'purpose',
      ['enroll', 'session', 'release', 'revoke'],
      ['', 'Session', 'open'],
    ],
    [
      samples.agentEvent,
      'status',
      ['waiting', 'released', 'rejected', 'cancelled', 'expired', 'ended'],
      ['', 'open', 'Waiting'],
    ],
    [samples.registration, 'type', ['public-key'], ['', 'password']],
    [samples.assertion, 'type', ['public-key'], ['', 'password']],
    [
      samples.registration,
      'authenticatorAttachment',
      ['platform', 'cross-platform'],
      ['', 'platform ', 'other'],
    ],
    [samples.proofGrant, 'grant_type', [PROOF_GRANT], ['', RENEW_GRANT, 'authorization_code']],
    [samples.renewGrant, 'grant_type', [RENEW_GRANT], ['', PROOF_GRANT]],
    [samples.tokenResponse, 'token_type', ['DPoP'], ['', 'Bearer', 'dpop']],
  ] as const;
  it.each(values)(
    'case %#: are taken, and no others',
    ({ schema, value }, name, taken, refused) => {
      for (const text of taken)
        expect(accepts(schema, { ...value, [name]: text }), text).toBe(true);
      for (const text of refused)
        expect(accepts(schema, { ...value, [name]: text }), text).toBe(false);
    },
  );
});

describe('sizes and alphabets', () => {
  const { schema, value } = samples.registration;
  const withResponse = (change: object) => ({
    ...value,
    response: { ...value.response, ...change },
  });
  const bytes = (length: number) => encodeBase64url(new Uint8Array(length));

  it('takes base64url between its bounds, both included', () => {
    for (const [name, minimum, maximum] of [
      ['clientDataJSON', 32, 4096],
      ['attestationObject', 37, 16 * 1024],
    ] as const) {
      for (const length of [minimum, minimum + 1, maximum - 1, maximum]) {
        expect(accepts(schema, withResponse({ [name]: bytes(length) })), `${length}`).toBe(true);
      }
      for (const length of [0, minimum - 1, maximum + 1, maximum * 2]) {
        expect(accepts(schema, withResponse({ [name]: bytes(length) })), `${length}`).toBe(false);
      }
    }
  });

  it('takes transports in lower case, eight at most', () => {
    const takes = (transports: unknown) => accepts(schema, withResponse({ transports }));
    for (const transport of ['usb', 'smart-card', 'x'.repeat(32)]) {
      expect(takes([transport])).toBe(true);
    }
    for (const transport of ['', 'USB', 'usb!', '!usb', ' usb', 'usb\n', 'x'.repeat(33)]) {
      expect(takes([transport])).toBe(false);
    }
    expect(takes([])).toBe(true);
    expect(takes(Array.from({ length: 8 }, () => 'usb'))).toBe(true);
    expect(takes(Array.from({ length: 9 }, () => 'usb'))).toBe(false);
    expect(takes({ 0: 'usb', length: 1 })).toBe(false);
  });

  it('[N12] takes nonces of 64 to 1792 characters of the alphabet', () => {
    const takes = (nonce: unknown) => {
      const { schema: grant, value: message } = samples.proofGrant;
      return accepts(grant, { ...message, nonce });
    };
    for (const length of [64, 1792]) expect(takes('x'.repeat(length))).toBe(true);
    for (const length of [0, 63, 1793]) expect(takes('x'.repeat(length))).toBe(false);
    for (const odd of ['=', '+', '/', '.', ' ', '\n', '\u0000', '*', 'ä']) {
      for (const nonce of [odd + 'x'.repeat(99), 'x'.repeat(99) + odd, `x${odd}`.repeat(50)]) {
        expect(takes(nonce)).toBe(false);
      }
    }
  });
});

describe('parseMessage', () => {
  it('stops at the first fault', () => {
    const { schema, value } = samples.challengeRequest;
    const read: string[] = [];
    const spy = new Proxy(
      { ...value, purpose: 'x', jkt: 'x', scope: 7 },
      {
        get(target, name, receiver) {
          read.push(String(name));
          return Reflect.get(target, name, receiver) as unknown;
        },
      },
    );
    expect(accepts(schema, spy)).toBe(false);
    expect(read).toContain('purpose');
    expect(read).not.toContain('scope');
  });

  it('says nothing of the value', () => {
    const value = { ...samples.challengeRequest.value, jkt: 'secret-text' };
    try {
      parseMessage(samples.challengeRequest.schema, value);
      expect.unreachable();
    } catch (error) {
      const { message, cause } = error as Error;
      expect(`${message} ${String(cause)}`).not.toContain('secret-text');
    }
  });
});

describe('problem', () => {
  it('points at the anchor of its code', () => {
    for (const code of wireErrorCodes)
      expect(problemType(code).endsWith(`/errors.md#${code}`)).toBe(true);
  });
});
