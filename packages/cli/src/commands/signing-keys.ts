import { CliError, usageError } from '../cli-error.js';
import type { Command } from '../command.js';
import { type OpenDeployment, withDeployment } from '../deployment.js';
import { signingKeysToTable, signingKeyToJson } from '../describe-rows.js';
import { parseDuration } from '../parse-values.js';
import { revocationReach } from './reach.js';

/** With a secret of this process alone nothing opens, and what it wraps nobody else could open. */
function assertSecret({ deployment }: OpenDeployment): void {
  if (deployment.options.secret !== undefined) return;
  throw new CliError(
    'configuration',
    'secret_missing',
    'The configuration has no secret.',
    'Set the variable that it reads, or name a file with it: --env-file FILE.',
  );
}

/** `signing-keys list`. */
export const listSigningKeys: Command = {
  name: 'signing-keys list',
  summary: 'List the keys that sign tokens: next, active and retiring.',
  help: [],
  options: {},
  run: (_, source) =>
    withDeployment(source, async (open) => {
      assertSecret(open);
      const keys = await open.verifier.signingKeys.list();
      return { json: { signingKeys: keys.map(signingKeyToJson) }, text: signingKeysToTable(keys) };
    }),
};

/** `signing-keys rotate`. */
export const rotateSigningKey: Command = {
  name: 'signing-keys rotate',
  summary: 'Make the next signing key; it is published now and signs later.',
  help: ['--active-in TIME  until it signs: 7m (default); less only in an emergency'],
  options: { 'active-in': { type: 'string' } },
  async run(args, source) {
    const text = args.get('active-in');
    const activeIn = text === undefined ? undefined : parseDuration('active-in', text);
    return withDeployment(source, async (open) => {
      assertSecret(open);
      const key = await open.verifier.signingKeys.rotate(
        activeIn === undefined ? {} : { activeIn },
      );
      return { json: { signingKey: signingKeyToJson(key) }, text: signingKeysToTable([key]) };
    });
  },
};

/** `signing-keys remove`. */
export const removeSigningKey: Command = {
  name: 'signing-keys remove',
  parameters: ['KID'],
  summary: 'Take a signing key away that became known; its tokens are refused.',
  help: [],
  options: {},
  async run(args, source) {
    const [kid = ''] = args.positionals;
    if (kid === '') throw usageError('Which key? pzk-auth signing-keys list shows them.');
    return withDeployment(source, async (open) => {
      assertSecret(open);
      if (!(await open.verifier.signingKeys.remove(kid))) {
        throw new CliError('negative', 'not_found', 'There is no such signing key.');
      }
      const reach = revocationReach(open);
      const memory =
        reach.note === undefined
          ? undefined
          : 'The short-lived stores are in the memory of each process: restart the server, or it goes on with this key for a minute.';
      return {
        json: { removed: { kind: 'signing_key', id: kid }, takesEffect: reach.json },
        text: `removed signing key ${kid}`,
        ...(memory === undefined ? {} : { note: memory }),
      };
    });
  },
};
