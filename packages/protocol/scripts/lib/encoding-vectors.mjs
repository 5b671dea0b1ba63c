/** Vectors of docs/protocol.md section 3. */
import {
  BASE_FIELD_MODULUS,
  base64url,
  hex,
  lp,
  SCALAR_FIELD_MODULUS,
  seededBytes,
  toBytes,
} from './encodings.mjs';

const r = SCALAR_FIELD_MODULUS;
const q = BASE_FIELD_MODULUS;

const text = (value) => ({ text: value });
const integer = (value) => ({ integer: String(value) });
const bytes = (value) => ({ bytes: hex(value) });
const absent = { absent: true };

function partOf(part) {
  if ('text' in part) return part.text;
  if ('integer' in part) return part.integer;
  if ('bytes' in part) return Buffer.from(part.bytes, 'hex');
  return '';
}

function lengthPrefix() {
  const lists = [
    ['no parts', []],
    ['one empty part', [text('')]],
    ['an absent part is an empty part', [absent]],
    ['a separator moved (first)', [text('a|b'), text('c')]],
    ['a separator moved (second)', [text('a'), text('b|c')]],
    ['one part instead of two', [text('ab')]],
    ['two parts', [text('a'), text('b')]],
    ['an empty part at the end counts', [text('a'), text('b'), text('')]],
    ['text is UTF-8', [text('Schlüssel ✓ 鍵 🔑')]],
    ['text is not normalised (composed)', [text('\u00e9')]],
    ['text is not normalised (decomposed)', [text('e\u0301')]],
    ['integers are canonical decimal', [integer(0), integer(7), integer(2n ** 53n - 1n)]],
    ['a field element', [integer(r - 1n)]],
    ['bytes are raw', [bytes(Buffer.from('00ff0a', 'hex')), bytes(Buffer.alloc(0))]],
    ['256 bytes: the length is big-endian', [bytes(Buffer.alloc(256, 0x61))]],
  ];
  return {
    description: 'lp(a, b, ...): each part after its length as four bytes big-endian.',
    specification: 'docs/protocol.md, section 3.2',
    cases: lists.map(([name, parts]) => ({ name, parts, encoded: hex(lp(...parts.map(partOf))) })),
    refused: [
      { name: 'a negative integer', parts: [integer(-1)] },
      { name: 'a fraction', parts: [{ number: 1.5 }] },
      { name: 'beyond the exact range of a double', parts: [{ number: 2 ** 53 }] },
    ],
  };
}

function base64urlVectors() {
  const lengths = [0, 1, 2, 3, 16, 31, 32, 33, 65, 256];
  return {
    description: 'Canonical base64url without padding: one byte string has exactly one spelling.',
    specification: 'docs/protocol.md, section 3.1',
    cases: [
      ...lengths.map((length) => seededBytes(`base64url ${length}`, length)),
      Buffer.from('fbff', 'hex'),
      Buffer.from('fbefbe', 'hex'),
    ].map((value) => ({ bytes: hex(value), text: base64url(value) })),
    refused: [
      ['unused bits set (two characters)', 'AB'],
      ['unused bits set (three characters)', 'AAB'],
      ['padding', 'AA=='],
      ['padding of three', 'AAA='],
      ['the other alphabet: plus', '-+__'],
      ['the other alphabet: slash', '-/__'],
      ['one character alone', 'A'],
      ['five characters', 'AAAAA'],
      ['a space', 'AA AA'],
      ['a line feed', 'AAAA\n'],
      ['a leading space', ' AAAA'],
      ['a NUL', 'AAA\u0000'],
      ['another script', 'AAA\u0410'],
    ].map(([name, value]) => ({ name, text: value })),
  };
}

function fieldElements() {
  const values = [0n, 1n, 10n, 2n ** 248n - 1n, 2n ** 253n, r - 2n, r - 1n];
  const refused = [
    ['r', String(r)],
    ['r + 1', String(r + 1n)],
    ['2r', String(2n * r)],
    ['1 + r', String(1n + r)],
    ['1 + 2r', String(1n + 2n * r)],
    ['q', String(q)],
    ['the largest number of 77 digits', '9'.repeat(77)],
    ['78 digits', `1${'0'.repeat(77)}`],
    ['empty', ''],
    ['a leading zero', '01'],
    ['zeros', '00'],
    ['hexadecimal', '0x1'],
    ['octal', '0o1'],
    ['binary', '0b1'],
    ['a big integer literal', '1n'],
    ['plus', '+1'],
    ['minus', '-1'],
    ['minus zero', '-0'],
    ['a leading space', ' 1'],
    ['a trailing space', '1 '],
    ['a trailing line feed', '1\n'],
    ['a trailing NUL', '1\u0000'],
    ['a fraction', '1.0'],
    ['a point', '1.'],
    ['an exponent', '1e1'],
    ['a separator', '1_0'],
    ['a comma', '1,0'],
    ['Arabic digits', '\u0661'],
    ['full-width digits', '\uff11'],
    ['superscript', '\u00b9'],
    ['letters', 'abc'],
    ['NaN as text', 'NaN'],
    ['Infinity as text', 'Infinity'],
    ['null as text', 'null'],
    ['true as text', 'true'],
    ['a number', 1],
    ['zero as a number', 0],
    ['a boolean', true],
    ['null', null],
    ['an array', ['1']],
    ['an empty array', []],
    ['an object', { toString: '1' }],
  ];
  return {
    description: 'Field elements on the wire: canonical decimal text, smaller than r.',
    specification: 'docs/protocol.md, section 3.3',
    r: String(r),
    q: String(q),
    cases: values.map((value) => ({ text: String(value), bytes: hex(toBytes(value, 32)) })),
    refused: refused.map(([name, value]) => ({ name, value })),
  };
}

const COORDINATES = ['A.x', 'A.y', 'B.x.c0', 'B.x.c1', 'B.y.c0', 'B.y.c1', 'C.x', 'C.y'];

function proofEncoding() {
  const encode = (coordinates) => Buffer.concat(coordinates.map((value) => toBytes(value, 32)));
  const counted = COORDINATES.map((_, index) => BigInt(index + 1));
  const cases = [
    ['each coordinate its position', counted],
    ['all zero: well formed, and no proof', COORDINATES.map(() => 0n)],
    ['the largest coordinates', COORDINATES.map(() => q - 1n)],
  ].map(([name, coordinates]) => ({
    name,
    coordinates: Object.fromEntries(
      COORDINATES.map((key, index) => [key, String(coordinates[index])]),
    ),
    text: base64url(encode(coordinates)),
  }));
  const withCoordinate = (position, value) =>
    base64url(encode(counted.map((old, index) => (index === position ? value : old))));
  const good = encode(counted);
  return {
    description:
      'A Groth16 proof on the wire: eight coordinates of 32 bytes big-endian, each smaller than q, ' +
      'in base64url. Says nothing about curve, subgroup or validity.',
    specification: 'docs/protocol.md, section 3.4',
    order: COORDINATES,
    cases,
    refused: [
      ...COORDINATES.map((key, position) => ({
        name: `${key} = q`,
        text: withCoordinate(position, q),
      })),
      ...COORDINATES.map((key, position) => ({
        name: `${key} plus q`,
        text: withCoordinate(position, counted[position] + q),
      })),
      { name: 'the largest 256 bits', text: withCoordinate(0, 2n ** 256n - 1n) },
      { name: 'one byte short', text: base64url(good.subarray(0, 255)) },
      { name: 'one byte more', text: base64url(Buffer.concat([good, Buffer.of(0)])) },
      { name: 'empty', text: '' },
      { name: 'padding', text: `${base64url(good)}==` },
      // 256 bytes leave two unused bits in the last character: B instead of A sets one of them.
      { name: 'unused bits set', text: `${base64url(good).slice(0, -1)}B` },
      { name: 'hexadecimal', text: hex(good) },
    ],
  };
}

function scope() {
  const canonical = (value) =>
    value === '' ? '' : [...new Set(value.split(' '))].sort().join(' ');
  return {
    description: 'Canonical scope: sorted by code unit, unique, joined by one space.',
    specification: 'docs/protocol.md, section 3.5',
    cases: [
      '',
      'weather:read',
      'weather:read weather:write',
      'weather:write weather:read',
      'weather:read weather:read',
      'b a c a b',
      'B a',
      'a|b c',
      'a b|c',
      '! # [ ] ~',
    ].map((text_) => ({ text: text_, canonical: canonical(text_) })),
    refused: [
      ['a leading space', ' a'],
      ['a trailing space', 'a '],
      ['two spaces', 'a  b'],
      ['a space alone', ' '],
      ['a tab', 'a\tb'],
      ['a line feed', 'a\nb'],
      ['a quote', 'a"b'],
      ['a backslash', 'a\\b'],
      ['DEL', 'a\u007f'],
      ['a NUL', 'a\u0000b'],
      ['not ASCII', 'caf\u00e9'],
      ['513 characters', 'a'.repeat(513)],
    ].map(([name, value]) => ({ name, text: value })),
  };
}

function circuitIds() {
  return {
    description: 'Circuit ids by their form. Which of them an issuer accepts is its configuration.',
    specification: 'docs/protocol.md, section 3.7',
    cases: ['ownership/v1', 'ownership/v9999', 'a/v1', 'membership-20/v2'],
    refused: [
      '',
      '__proto__',
      'constructor',
      'prototype',
      '__proto__/v1',
      'toString',
      '../x',
      '../ownership/v1',
      'ownership/../v1',
      'ownership',
      'ownership/v',
      'ownership/1',
      'ownership/v10000',
      'Ownership/v1',
      'ownership/V1',
      'ownership/v1 ',
      ' ownership/v1',
      'ownership/v1\n',
      'ownership/v1\u0000',
      'ownership//v1',
      'ownership/v1/v1',
      'ownership%2Fv1',
      `${'a'.repeat(33)}/v1`,
    ],
  };
}

export const encodingVectors = {
  'length-prefix': lengthPrefix,
  base64url: base64urlVectors,
  'field-elements': fieldElements,
  'proof-encoding': proofEncoding,
  scope,
  'circuit-ids': circuitIds,
};
