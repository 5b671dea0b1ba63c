const FRAGMENT = /^#pzk-invitation=/;

/**
 * The invitation that the page was opened with, taken out of the address: whoever has it can ask to
 * join, so it stays neither in the history nor in what gets copied.
 */
export function takeInvitation(): string | undefined {
  const { hash, pathname, search } = location;
  if (!FRAGMENT.test(hash)) return undefined;
  history.replaceState(null, '', pathname + search);
  return hash;
}

/** The link for a fragment. */
export function invitationLink(fragment: string): string {
  return `${location.origin}/#${fragment}`;
}
