import { createHash } from 'node:crypto';
import type { Circuit } from '@pzk-auth/verifier';
import { reportError } from '../report-error.js';
import { type Finding, failed, ok, warning } from './finding.js';
import type { Patient } from './patient.js';

async function checkCircuit(circuit: Circuit): Promise<Finding> {
  const { manifest, proofSystem } = circuit;
  const check = `circuits.${manifest.id}`;
  const hint = 'Install @pzk-auth/circuits anew, or verify your own: pzk-auth setup verify DIR';
  try {
    await proofSystem.ready();
    const prover = await circuit.readProver();
    const found = createHash('sha256').update(prover).digest('hex');
    if (found !== manifest.artifacts.prover.sha256) {
      return failed(check, 'prover.bin is not the one of the manifest', hint);
    }
    return ok(check, 'the workers start, the verification key is sound, prover.bin is right');
  } catch (error) {
    return failed(check, reportError(error).message, hint);
  } finally {
    await proofSystem.close();
  }
}

/** Whether the circuit keys are sound, and whose they are. */
export async function checkCircuits(patient: Patient): Promise<Finding[]> {
  const { engine, options, production } = patient;
  const published = engine.ownershipCircuit({ workers: 1 });
  const circuits = options.circuits ?? [published];
  const findings = await Promise.all(circuits.map(checkCircuit));
  const { sha256 } = published.manifest.artifacts.verificationKey;
  if (options.circuits !== undefined) await published.proofSystem.close();
  const isDefault = circuits.some(({ manifest }) => {
    return manifest.artifacts.verificationKey.sha256 === sha256;
  });
  if (!isDefault) return [...findings, ok('circuits.setup', 'the keys are of your own setup')];
  const message = 'the keys are those that the project publishes: you trust that it kept no secret';
  const hint = 'Contribute your own: pzk-auth setup contribute';
  return [
    ...findings,
    production ? warning('circuits.setup', message, hint) : ok('circuits.setup', message),
  ];
}
