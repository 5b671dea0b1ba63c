import 'reflect-metadata';
import { PzkService } from '@pzk-auth/nestjs';
import { AppConfig } from './config/app-config.js';
import { createApp } from './create-app.js';
import { SCOPES } from './scopes.js';

const app = await createApp(['error', 'warn']);
const { port, origin } = app.get(AppConfig);
await app.listen(port, process.env.HOST ?? '127.0.0.1');

// FOR THE EXAMPLE ONLY: an application issues keys where it knows its customers.
const { verifier } = app.get(PzkService);
const { apiKey } = await verifier.keys.issue({ scopes: SCOPES, label: 'Example key' });
process.stdout.write(`
  Serves    ${origin}
  API key   ${apiKey}   (printed once, stored nowhere)
  Ctrl-C ends it.
`);
