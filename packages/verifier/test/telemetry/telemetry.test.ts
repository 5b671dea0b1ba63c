import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { metrics, SpanStatusCode, trace } from '@opentelemetry/api';
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics';
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-base';
import { afterAll, expect, it } from 'vitest';
import { memoryStores, type Stores } from '../../src/index.js';
import { createIssuer, ISSUER } from '../harness/issuer.js';
import { mapStores } from '../harness/watched-issuer.js';
import { call, createWireClient } from '../harness/wire-client.js';

const LEGACY = 'sk_live_4eC39HqLyjWDarjtT1zdp7dc';
const spans = new InMemorySpanExporter();
const measured = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
const reader = new PeriodicExportingMetricReader({ exporter: measured });
const tracers = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(spans)] });
const meters = new MeterProvider({ readers: [reader] });

let down = false;
const stores: Stores = mapStores(memoryStores(), (method, store) => async (...args) => {
  if (down && store === 'nonces') throw new Error('postgres://admin:hunter2@db is away');
  return method(...args);
});
// Made before an SDK is there, as a module of an application may be.
const issuer = createIssuer({ stores });

afterAll(async () => {
  await issuer.verifier.close();
  await meters.shutdown();
  await tracers.shutdown();
});

it('spans and metrics tell what happened and hold no secret, id or address', async () => {
  trace.setGlobalTracerProvider(tracers);
  metrics.setGlobalMeterProvider(meters);
  const { apiKey, row } = await issuer.verifier.keys.issue({ scopes: ['weather:read'] });
  const client = await createWireClient(issuer, { apiKey });
  const address = '192.0.2.77';
  const challenge = await client.challenge('enroll');
  const body = await client.enrollBody(challenge);
  const enrolled = await client.post('/enroll', body, { address });
  expect(enrolled.status).toBe(201);
  const form = await client.tokenForm(await client.challenge('session'));
  const issued = await client.post('/token', form, { address });
  const replayed = await client.post('/token', form, { address });
  expect(replayed.status).toBe(400);
  const session = await call(issuer, client, issued.body.access_token);
  await expect(call(issuer, client, `${issued.body.access_token}x`)).rejects.toThrow();
  await issuer.verifier.authenticate(
    { method: 'GET', url: '/', headers: new Headers({ 'x-api-key': LEGACY }), address },
    { allowApiKey: () => ({ id: 'application-id', user: 'ada' }) },
  );
  down = true;
  expect((await client.post('/challenge', {}, { dpop: null })).status).toBe(400);
  const failing = { purpose: 'session', jkt: client.sessionKey.jkt, scope: '' };
  expect((await client.post('/challenge', failing, { dpop: null })).status).toBe(503);
  down = false;
  await client.post('/<script>alert(1)</script>', {});

  const finished = spans.getFinishedSpans();
  const names = finished.map(
    ({ name, attributes }) => `${name} ${attributes['pzk.endpoint'] ?? ''}`,
  );
  for (const name of [
    'pzk.request /challenge',
    'pzk.request /enroll',
    'pzk.request /token',
    'pzk.request unknown',
    'pzk.authenticate ',
    'pzk.verify_proof ',
  ]) {
    expect(names).toContain(name);
  }
  // What an operator is woken for, and what not.
  const answeredWith = (status: number) =>
    finished.filter(({ attributes }) => attributes['http.response.status_code'] === status);
  expect(answeredWith(503).map(({ attributes, status }) => [attributes, status.code])).toEqual([
    [{ 'pzk.endpoint': '/challenge', 'http.response.status_code': 503 }, SpanStatusCode.ERROR],
  ]);
  for (const { status } of [...answeredWith(200), ...answeredWith(400)]) {
    expect(status.code).toBe(SpanStatusCode.UNSET);
  }
  expect(finished.map(({ attributes }) => attributes['pzk.code'])).toContain('invalid_token');

  await reader.forceFlush();
  const points = measured
    .getMetrics()
    .flatMap(({ scopeMetrics }) => scopeMetrics)
    .flatMap((scope) => scope.metrics)
    .flatMap(({ descriptor, dataPoints }) =>
      dataPoints.map(({ attributes, value }) => ({ name: descriptor.name, attributes, value })),
    );
  const counted = points
    .filter(({ name }) => name === 'pzk.events')
    .map(({ attributes, value }) => [attributes['pzk.event'], value]);
  expect(counted).toContainEqual(['device_enrolled', 1]);
  expect(counted).toContainEqual(['legacy_key_used', 1]);
  expect(points).toContainEqual({
    name: 'pzk.events',
    attributes: {
      'pzk.event': 'refused',
      'pzk.endpoint': '/token',
      'pzk.code': 'invalid_nonce',
    },
    value: 1,
  });
  const timed = points.filter(({ name }) => name === 'pzk.duration');
  expect(timed.map(({ attributes }) => attributes)).toEqual(
    expect.arrayContaining([
      { 'pzk.operation': 'pzk.request', 'pzk.endpoint': '/challenge', 'pzk.outcome': '503' },
      { 'pzk.operation': 'pzk.request', 'pzk.endpoint': '/token', 'pzk.outcome': 'ok' },
      { 'pzk.operation': 'pzk.authenticate', 'pzk.outcome': 'invalid_token' },
    ]),
  );

  const write = () =>
    JSON.stringify([
      spans.getFinishedSpans().map(({ name, attributes, events, links, status }) => {
        return { name, attributes, events, links, status };
      }),
      points,
    ]);
  const text = write();
  const told = [
    ...[apiKey, LEGACY, client.commitment, client.sessionKey.jkt, challenge.nonce],
    ...[enrolled, issued].map((answer) => answer.body.access_token as string),
    ...[form.proof, form.nonce, form.credential].map(String),
    ...[row.id, row.account, session.device, session.jti, 'application-id', 'ada"'],
    ...[address, 'hunter2', 'script', ISSUER],
  ];
  for (const secret of told) expect(text).not.toContain(secret);
  // The search sees what stands in a span.
  trace.getTracer('application').startSpan('own', { attributes: { apiKey } }).end();
  expect(write()).toContain(apiKey);
});

it('without @opentelemetry/api all goes on', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'pzk-telemetry-'));
  try {
    const hide = join(directory, 'hide.cjs');
    await writeFile(
      hide,
      `const Module = require('node:module');
const resolve = Module._resolveFilename;
Module._resolveFilename = function (name, ...rest) {
  if (name.startsWith('@opentelemetry/')) {
    console.log('asked');
    throw new Error('Cannot find module');
  }
  return resolve.call(this, name, ...rest);
};`,
    );
    const entry = fileURLToPath(new URL('../../dist/index.js', import.meta.url));
    const program = `import { createVerifier, memoryStores } from ${JSON.stringify(`file://${entry}`)};
const url = 'https://api.example.com';
const verifier = createVerifier({ issuer: url, audience: url, rpId: 'api.example.com', origins: [url],
  scopes: ['a'], stores: memoryStores() });
const response = await verifier.handle(new Request(url + '/pzk/jwks.json'));
console.log(response.status);
await verifier.close();`;
    const args = ['--require', hide, '--input-type=module', '--eval', program];
    const { stdout } = await promisify(execFile)(process.execPath, args);
    expect(stdout).toBe('asked\n200\n');
  } finally {
    await rm(directory, { recursive: true });
  }
});
