/// <reference types="node" />
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { readDocument } from './read-vectors.js';

const directory = new URL('../vectors/', import.meta.url);
const files = readdirSync(directory);

describe('committed vectors', () => {
  it('are what the generator writes', () => {
    const script = fileURLToPath(new URL('../scripts/generate-vectors.mjs', import.meta.url));
    const { status, stderr } = spawnSync(process.execPath, [script, '--check'], {
      encoding: 'utf8',
    });
    expect(stderr).toBe('');
    expect(status).toBe(0);
  });

  it.each(files)('%s has a description and names sections that exist', (file) => {
    const vectors = JSON.parse(readFileSync(new URL(file, directory), 'utf8')) as {
      description?: string;
      specification?: string;
    };
    expect(vectors.description?.length).toBeGreaterThan(20);
    const sections = vectors.specification?.match(/\d+\.\d+/g) ?? [];
    expect(sections.length).toBeGreaterThan(0);
    const document = readDocument('protocol.md');
    for (const section of sections) expect(document).toMatch(new RegExp(`^### ${section} `, 'm'));
    expect(document).toContain(file);
  });

  it.each(files)('%s is used by a test', (file) => {
    const tests = readdirSync(new URL('.', import.meta.url), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.ts'))
      .map((name) => readFileSync(new URL(name, import.meta.url), 'utf8').replace(/\s+/g, ''));
    const name = file.replace(/\.json$/, '');
    expect(tests.some((text) => text.includes(`('${name}'`) || text.includes(`('${name}',`))).toBe(
      true,
    );
  });
});
