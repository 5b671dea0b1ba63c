import type { KeyDemand, KeyRow, Stores } from '@pzk-auth/verifier';
import { CliError, usageError } from '../cli-error.js';
import type { Command } from '../command.js';
import { type OpenDeployment, withDeployment } from '../deployment.js';
import { keysToTable, keyToJson } from '../describe-rows.js';
import { formatTime } from '../format.js';
import { parseDuration, parseTime } from '../parse-values.js';
import { findAccounts, ownerOptions, requireId } from './find-accounts.js';
import { revocationReach } from './reach.js';

const PAGE = 200;
const DEMANDS = ['passkey', 'keypair', 'none'] as const;

const SHOWN_ONCE = 'The key stands on stdout, this once: it is stored nowhere.';

function parseDemands(text: string): KeyDemand {
  const found = DEMANDS.find((demand) => demand === text);
  if (found === undefined) throw usageError(`--demands is ${DEMANDS.join(', ')}.`);
  return found;
}

/** A key in memory would be gone with this process. */
function assertLasting({ engine, stores }: OpenDeployment): void {
  if (!engine.isMemoryStore(stores.keys)) return;
  throw new CliError(
    'configuration',
    'stores_in_memory',
    'The durable stores are in memory: no other process would know what is written here.',
    'Use sqlStores in the configuration.',
  );
}

async function readAll(stores: Stores): Promise<readonly KeyRow[]> {
  const keys: KeyRow[] = [];
  for (let after: string | undefined; ; ) {
    const page = await stores.keys.list({ limit: PAGE, ...(after === undefined ? {} : { after }) });
    keys.push(...page);
    after = page.at(-1)?.id;
    if (after === undefined) return keys;
  }
}

/** `keys issue`. */
export const issueKey: Command = {
  name: 'keys issue',
  summary: 'Make an API key and print it, once.',
  help: [
    '--scope SCOPE     a scope that the key may ask for; repeat it for more',
    '--account ID      the account that owns it (default: a new one)',
    '--label TEXT      a name for people',
    '--demands WHAT    passkey (default), keypair or none',
    '--expires WHEN    90d, or 2030-01-31T00:00:00Z (default: never)',
  ],
  options: {
    scope: { type: 'string', multiple: true },
    account: { type: 'string' },
    label: { type: 'string' },
    demands: { type: 'string' },
    expires: { type: 'string' },
  },
  async run(args, source) {
    const scopes = args.all('scope');
    if (scopes.length === 0) throw usageError('At least one --scope.');
    const [account, label] = [args.get('account'), args.get('label')];
    const demands = parseDemands(args.get('demands') ?? 'passkey');
    const expires = args.get('expires');
    const expiresAt = expires === undefined ? undefined : parseTime('expires', expires);
    return withDeployment(source, async (open) => {
      assertLasting(open);
      await findAccounts(args, open.stores); // or says that there is no such account
      const { apiKey, row } = await open.verifier.keys.issue({
        scopes,
        demands,
        ...(account === undefined ? {} : { account }),
        ...(label === undefined ? {} : { label }),
        ...(expiresAt === undefined ? {} : { expiresAt }),
      });
      return {
        json: { apiKey, key: keyToJson(row) },
        text: apiKey,
        note: `${keysToTable([row])}\n${SHOWN_ONCE}`,
      };
    });
  },
};

/** `keys list`. */
export const listKeys: Command = {
  name: 'keys list',
  summary: 'List API keys: of all accounts, of one, or of a user of the application.',
  help: [
    '--account ID      of this account',
    '--user USER       of the accounts linked to this user',
    '--active          without those that are expired or revoked',
  ],
  options: { ...ownerOptions, active: { type: 'boolean' } },
  async run(args, source) {
    return withDeployment(source, async ({ stores }) => {
      const accounts = await findAccounts(args, stores);
      const found =
        accounts === undefined
          ? await readAll(stores)
          : (await Promise.all(accounts.map((id) => stores.keys.listByAccount(id)))).flat();
      const all = found.map((row) => ({ row, json: keyToJson(row) }));
      const shown = all.filter(({ json }) => !args.has('active') || json.status === 'active');
      return {
        json: { keys: shown.map(({ json }) => json) },
        text: keysToTable(shown.map(({ row }) => row)),
      };
    });
  },
};

const notFound = () =>
  new CliError('negative', 'not_found', 'There is no such key.', 'See: pzk-auth keys list');

/** `keys revoke`. */
export const revokeKey: Command = {
  name: 'keys revoke',
  parameters: ['ID'],
  summary: 'End an API key with its sessions and tokens.',
  help: [],
  options: {},
  async run(args, source) {
    const id = requireId(args, 'key');
    return withDeployment(source, async (open) => {
      if (!(await open.verifier.keys.revoke(id))) throw notFound();
      const reach = revocationReach(open);
      return {
        json: { revoked: { kind: 'key', id }, takesEffect: reach.json },
        text: `revoked key ${id}`,
        ...(reach.note === undefined ? {} : { note: reach.note }),
      };
    });
  },
};

/** `keys rotate`. */
export const rotateKey: Command = {
  name: 'keys rotate',
  parameters: ['ID'],
  summary: 'Make a key of the same account and scopes; the old one ends after the grace.',
  help: [
    '--grace TIME      how long the old key stays good: 24h (default), at most 90d; 0 revokes it',
    '--expires WHEN    when the new key ends: 90d, a time, or never; required if the old one ends',
  ],
  options: { grace: { type: 'string' }, expires: { type: 'string' } },
  async run(args, source) {
    const id = requireId(args, 'key');
    const grace = parseDuration('grace', args.get('grace') ?? '24h');
    const expires = args.get('expires');
    return withDeployment(source, async (open) => {
      assertLasting(open);
      const old = await open.verifier.keys.get(id);
      if (old?.expiresAt !== undefined && expires === undefined) {
        throw usageError(
          'The old key expires: say with --expires when the new one does, or never.',
          'Was it rotated before? Then there is a new one already: pzk-auth keys list',
        );
      }
      const rotated = await open.verifier.keys.rotate(id, {
        grace,
        ...(expires === undefined
          ? {}
          : { expiresAt: expires === 'never' ? null : parseTime('expires', expires) }),
      });
      if (rotated === undefined) {
        throw new CliError('negative', 'not_found', 'There is no such active key.');
      }
      const { apiKey, row, previous } = rotated;
      const reach = grace === 0 ? revocationReach(open).note : undefined;
      const end =
        grace === 0 ? 'is revoked' : `stays good until ${formatTime(previous.expiresAt ?? 0)}`;
      return {
        json: { apiKey, key: keyToJson(row), previous: keyToJson(previous) },
        text: apiKey,
        note: [keysToTable([row]), `${id} ${end}.`, SHOWN_ONCE, reach].filter(Boolean).join('\n'),
      };
    });
  },
};
