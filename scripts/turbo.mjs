#!/usr/bin/env node
/** `node scripts/turbo.mjs <args>`: turbo without telemetry, remote cache and update notices. */
import { runTurbo } from './lib/run-turbo.mjs';

process.exitCode = await runTurbo(process.argv.slice(2));
