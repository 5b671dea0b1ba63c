import type { VaultMember } from '@pzk-auth/react-hooks';

/** The beginning of an id: enough to tell a handful of devices apart. */
export function shortId(id: string): string {
  return id.slice(0, 6);
}

/**
 * What somebody who can open the vault is called, within a sentence. With a piece of the id: a name is the
 * word of any device in the vault, which can give its own to another.
 */
export function memberName({ id, kind, name }: Pick<VaultMember, 'id' | 'kind' | 'name'>): string {
  if (kind === 'recovery') return 'the recovery code';
  return name === undefined ? `device ${shortId(id)}` : `${name} (${shortId(id)})`;
}
