import type { SuccessionReview } from '@pzk-auth/react-hooks';
import { shortId } from './member-name.js';

/** Props of {@link RecipientList}. */
export interface RecipientListProps {
  readonly recipients: SuccessionReview['recipients'];
}

/** What opens a vault that is not open yet: ids are all that can be shown of it. */
export function RecipientList({ recipients }: RecipientListProps) {
  return (
    <ul>
      {recipients.map(({ id, credential_id }) => (
        <li key={id}>{credential_id === 'recovery' ? 'Recovery code' : `Device ${shortId(id)}`}</li>
      ))}
    </ul>
  );
}
