import type { Stores } from '@pzk-auth/verifier';
import { CliError, usageError } from '../cli-error.js';
import type { Arguments } from '../command.js';

/** The accounts that `--account` or `--user` names; undefined if neither was given. */
export async function findAccounts(
  args: Arguments,
  stores: Stores,
): Promise<readonly string[] | undefined> {
  const account = args.get('account');
  const user = args.get('user');
  if (account !== undefined && user !== undefined) {
    throw usageError('Either --account or --user, not both.');
  }
  if (account !== undefined) {
    if ((await stores.accounts.get(account)) !== undefined) return [account];
    throw new CliError('negative', 'not_found', 'There is no such account.');
  }
  if (user === undefined) return undefined;
  return (await stores.accounts.listByUser(user)).map(({ id }) => id);
}

/** The accounts of one owner, by either of the two options. */
export const ownerOptions = { account: { type: 'string' }, user: { type: 'string' } } as const;

/** The one positional argument of a command. */
export function requireId(args: Arguments, what: string): string {
  const [id = ''] = args.positionals;
  if (!/^[A-Za-z0-9_-]{1,128}$/.test(id)) throw usageError(`That is not the id of a ${what}.`);
  return id;
}
