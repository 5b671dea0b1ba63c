import type { RosterChanges, RosterMember, VaultMember } from '@pzk-auth/react-hooks';
import { memberName } from './member-name.js';

function sentencesOf(changes: RosterChanges, members: readonly VaultMember[]): readonly string[] {
  const nameOf = (one: RosterMember) => memberName(members.find(({ id }) => id === one.id) ?? one);
  return [
    ...changes.membersAdded.map((one) => `Can open it now: ${nameOf(one)}`),
    ...changes.membersRemoved.map((one) => `Cannot open it any more: ${nameOf(one)}`),
    ...changes.membersRenewed.map((one) => `Has other keys: ${nameOf(one)}`),
    ...changes.agentsAdded.map(({ name }) => `May ask for keys now: ${name}`),
    ...changes.agentsRemoved.map(({ name }) => `May not ask any more: ${name}`),
    ...changes.agentsRenamed.map(({ before, name }) => `Was called ${before}: ${name}`),
  ];
}

/** What differs from what this device has shown before. */
export function RosterChangesList({
  changes,
  members = [],
}: {
  readonly changes: RosterChanges;
  /** Of the open vault, which knows names. Absent where it is not open yet. */
  readonly members?: readonly VaultMember[];
}) {
  return (
    <ul>
      {sentencesOf(changes, members).map((sentence) => (
        <li key={sentence}>{sentence}</li>
      ))}
    </ul>
  );
}
