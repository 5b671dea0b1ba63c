import type { RosterChanges, RosterMember } from '@pzk-auth/react-hooks';
import { shortId } from './member-name.js';

const nameOf = ({ id, kind }: RosterMember) =>
  kind === 'recovery' ? 'the recovery code' : `device ${shortId(id)}`;

function sentencesOf(changes: RosterChanges): readonly string[] {
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
export function RosterChangesList({ changes }: { readonly changes: RosterChanges }) {
  return (
    <ul>
      {sentencesOf(changes).map((sentence) => (
        <li key={sentence}>{sentence}</li>
      ))}
    </ul>
  );
}
