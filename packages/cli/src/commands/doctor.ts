import { CliError } from '../cli-error.js';
import type { Command, Result } from '../command.js';
import {
  closeDeployment,
  createFrom,
  type Deployment,
  loadDeployment,
  requireConfig,
} from '../deployment.js';
import { checkCircuits } from '../doctor/check-circuits.js';
import { checkClock } from '../doctor/check-clock.js';
import { checkConfiguration } from '../doctor/check-configuration.js';
import { checkDomain } from '../doctor/check-domain.js';
import { checkKeys } from '../doctor/check-keys.js';
import { checkStores } from '../doctor/check-stores.js';
import { type Finding, failed, skipped } from '../doctor/finding.js';
import { type Patient, readOnlyStores } from '../doctor/patient.js';
import { type EngineModule, loadEngine, loadSql } from '../engine.js';
import { printable } from '../format.js';

const MARKS = { ok: 'ok     ', warning: 'WARNING', failed: 'FAILED ', skipped: 'skipped' } as const;

function toText(findings: readonly Finding[]): string {
  const width = Math.max(...findings.map(({ check }) => check.length));
  const lines = findings.flatMap(({ status, check, message, hint }) => [
    `${MARKS[status]}  ${check.padEnd(width)}  ${printable(message)}`,
    ...(hint === undefined ? [] : [`${' '.repeat(width + 11)}-> ${hint}`]),
  ]);
  const count = (status: Finding['status']) =>
    findings.filter((one) => one.status === status).length;
  const warnings = count('warning');
  const end = `${count('failed')} failed, ${warnings} warning${warnings === 1 ? '' : 's'}`;
  return [...lines, '', end].join('\n');
}

function toResult(findings: readonly Finding[]): Result {
  const isHealthy = findings.every(({ status }) => status !== 'failed');
  return {
    json: { ok: isHealthy, checks: findings },
    text: toText(findings),
    exit: isHealthy ? 'done' : 'negative',
  };
}

/** One that fails in a way that nobody foresaw must not hide what the others found. */
async function examine(check: string, work: () => Promise<Finding[]>): Promise<Finding[]> {
  try {
    return await work();
  } catch {
    return [failed(check, 'could not be checked', 'See what else has failed.')];
  }
}

async function examineAll(patient: Patient, offline: boolean): Promise<Finding[]> {
  const configuration = checkConfiguration(patient);
  const stores = await examine('stores', () => checkStores(patient));
  const hasStores = stores.every(({ status }) => status !== 'failed');
  const behind = async (check: string, work: () => Promise<Finding[]>) =>
    hasStores ? examine(check, work) : [skipped(check, 'the stores come first')];
  return [
    ...configuration,
    ...stores,
    ...(await behind('clock', () => checkClock(patient))),
    ...(await behind('keys', () => checkKeys(patient))),
    ...(await examine('circuits', () => checkCircuits(patient))),
    ...(await examine('domain', () => checkDomain(patient, offline))),
  ];
}

function createPatient(
  engine: EngineModule,
  deployment: Deployment,
  path: string,
): Patient | Finding {
  const { options } = deployment;
  try {
    const verifier = createFrom(engine, deployment, {
      stores: readOnlyStores(options.stores),
      onEvent: () => {},
      audit: false,
    });
    const production = process.env.NODE_ENV === 'production';
    return { engine, deployment, options, verifier, production, loadSql: () => loadSql(path) };
  } catch (error) {
    if (!(error instanceof CliError)) throw error;
    return failed('configuration', error.message, 'Correct the options of createVerifier.');
  }
}

/** `doctor`. */
export const doctor: Command = {
  name: 'doctor',
  summary: 'Check configuration, stores, clocks, keys and domain, and say what to do.',
  help: ['--offline         without asking the issuer over the network'],
  options: { offline: { type: 'boolean' } },
  async run(args, source) {
    const path = requireConfig(source);
    const engine = await loadEngine(path);
    const deployment = await loadDeployment(path);
    try {
      const patient = createPatient(engine, deployment, path);
      if ('check' in patient) return toResult([patient]);
      const findings = await examineAll(patient, args.has('offline'));
      await patient.verifier.close();
      return toResult(findings);
    } finally {
      await closeDeployment(deployment);
    }
  },
};
