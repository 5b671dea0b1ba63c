import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { INestApplication } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { PzkService } from '@pzk-auth/nestjs';
import { overridePzk } from '@pzk-auth/nestjs/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AppModule } from '../src/app.module.js';
import { createApp } from '../src/create-app.js';

const run = promisify(execFile);

describe('the API, with a session that the test chooses', () => {
  let app: INestApplication;
  let url: string;
  beforeAll(async () => {
    const builder = Test.createTestingModule({ imports: [AppModule] });
    const session = { account: 'ada', scopes: ['weather:read', 'weather:write'] };
    const module = await overridePzk(builder, { session }).compile();
    app = module.createNestApplication({ logger: false });
    await app.listen(0, '127.0.0.1');
    url = await app.getUrl();
  });
  afterAll(() => app.close());

  it('files a report under the account of the session', async () => {
    const filed = await fetch(`${url}/reports`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ text: ' Fog has lifted. ' }),
    });
    expect(filed.status).toBe(201);
    const weather = (await (await fetch(`${url}/weather`)).json()) as { reports: unknown };
    expect(weather.reports).toEqual([{ id: 1, by: 'ada', text: 'Fog has lifted.' }]);
  });
});

it('keeps keys in the file, over a restart', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'pzk-nestjs-api-'));
  const file = join(directory, 'weather.db');
  process.env.DATABASE_FILE = file;
  try {
    await expect(createApp(false)).rejects.toThrow(/PZK_SECRET/);
    expect(existsSync(file)).toBe(false);
    process.env.PZK_SECRET = 'a secret of a test, 32 bytes long or more';
    const first = await createApp(false);
    const { row } = await first.get(PzkService).verifier.keys.issue({ scopes: ['weather:read'] });
    await first.close();
    const second = await createApp(false);
    const keys = await second.get(PzkService).verifier.keys.list(row.account);
    expect(keys.map(({ id }) => id)).toEqual([row.id]);
    await second.close();
  } finally {
    delete process.env.DATABASE_FILE;
    delete process.env.PZK_SECRET;
    await rm(directory, { recursive: true });
  }
});

it('the check runs through the whole flow', async () => {
  const { stdout } = await run(process.execPath, ['dist/check.js']);
  expect(stdout).toContain('All of it works.');
  expect(stdout).not.toContain('FAIL');
});
