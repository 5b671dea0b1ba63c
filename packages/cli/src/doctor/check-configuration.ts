import { type Finding, failed, ok, warning } from './finding.js';
import type { Patient } from './patient.js';

const isLocal = (url: string) => new URL(url).hostname === 'localhost';

/** Whatever `createVerifier` took, and is still not as it should be. */
export function checkConfiguration({ options, production, engine }: Patient): Finding[] {
  const findings = [ok('configuration', 'createVerifier takes the options')];
  if (options.secret === undefined) {
    findings.push(
      failed(
        'configuration.secret',
        'there is no secret: each process makes its own, and none opens the keys of another',
        'Make one (openssl rand -base64 32) and set it for all instances and for this command.',
      ),
    );
  } else {
    findings.push(ok('configuration.secret', 'there is one'));
  }
  if (production && isLocal(options.issuer)) {
    findings.push(
      failed(
        'configuration.issuer',
        'the issuer is on localhost, and NODE_ENV is production',
        'Set issuer to the public https URL.',
      ),
    );
  } else if (!production && !isLocal(options.issuer)) {
    findings.push(
      warning(
        'configuration.environment',
        'NODE_ENV is not production, so development defaults apply here',
        'Run doctor with the environment of the server: NODE_ENV=production.',
      ),
    );
  }
  const kinds = Object.entries(options.stores);
  const inMemory = kinds.filter(([, store]) => engine.isMemoryStore(store)).map(([name]) => name);
  if (['keys', 'devices', 'accounts'].some((name) => inMemory.includes(name))) {
    findings.push(
      failed(
        'configuration.stores',
        'accounts, keys and devices are in memory: a restart forgets all of them',
        'Use sqlStores of @pzk-auth/verifier/sql.',
      ),
    );
  } else if (inMemory.length > 0) {
    findings.push(
      warning(
        'configuration.stores',
        `in memory: ${inMemory.join(', ')}; right for one process only`,
        'For several instances, and for revocations by this command to work at once, use redisStores.',
      ),
    );
  } else {
    findings.push(ok('configuration.stores', 'none is in memory'));
  }
  return findings;
}
