import { describe, expect, it } from 'vitest';
import {
  agentErrorCodes,
  clientErrorCodes,
  isPzkError,
  labels,
  operatorErrorCodes,
  PzkError,
  wireErrorCodes,
} from '../src/index.js';
import { readDocument } from './read-vectors.js';

const codes = [...wireErrorCodes, ...clientErrorCodes, ...agentErrorCodes, ...operatorErrorCodes];

describe('error codes', () => {
  it('each occurs once', () => {
    expect(new Set(codes).size).toBe(codes.length);
  });

  it('each has one heading in docs/errors.md, whose anchor is the code, and no other heading is there', () => {
    const headings = [...readDocument('errors.md').matchAll(/^### (.*)$/gm)].map(
      ([, text]) => text,
    );
    expect([...headings].sort()).toEqual([...codes].sort());
  });

  it('each section says when it comes and what to do', () => {
    const sections = readDocument('errors.md').split(/^#{2,3} /m);
    for (const code of codes) {
      const section = sections.find((text) => text.startsWith(`${code}\n`)) ?? '';
      expect(section, code).toMatch(/^- \*\*When:\*\* \S/m);
      expect(section, code).toMatch(/^- \*\*What to do:\*\* \S/m);
    }
    for (const code of wireErrorCodes) {
      const section = sections.find((text) => text.startsWith(`${code}\n`)) ?? '';
      expect(section, code).toMatch(/^- \*\*Status:\*\* \d{3}/m);
    }
  });
});

describe('PzkError', () => {
  it('keeps code, cause and hint', () => {
    const cause = new Error('underneath');
    const error = new PzkError('busy', 'Busy.', { cause, hint: 'Wait.' });
    expect(error).toMatchObject({ name: 'PzkError', code: 'busy', cause, hint: 'Wait.' });
    expect('cause' in new PzkError('busy', 'Busy.')).toBe(false);
  });

  it('is known also from another copy of the package', () => {
    const foreign = Object.assign(new Error('x'), { name: 'PzkError', code: 'busy' });
    expect(isPzkError(foreign)).toBe(true);
    const other = Object.assign(new Error('x'), { code: 'busy' });
    const nameless = Object.assign(new Error('x'), { name: 'PzkError' });
    for (const value of [
      other,
      nameless,
      new Error('x'),
      null,
      'PzkError',
      { name: 'PzkError', code: 'busy' },
    ]) {
      expect(isPzkError(value)).toBe(false);
    }
  });
});

describe('labels', () => {
  it('each stands for one use, under one prefix, and is in the specification', () => {
    const all = Object.values(labels);
    expect(new Set(all).size).toBe(all.length);
    const document = readDocument('protocol.md');
    for (const label of all) {
      expect(label).toMatch(/^pzk-auth\/v1\/[a-z-]+$/);
      expect(document).toContain(`| \`${label.slice('pzk-auth/v1/'.length)}\` |`);
    }
  });
});
