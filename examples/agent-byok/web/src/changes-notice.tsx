import { useVault } from '@pzk-auth/react-hooks';
import { useState } from 'react';
import { ErrorNotice } from './error-notice.js';
import { type Failure, failureOf } from './failure.js';
import { memberName } from './member-name.js';
import { RosterChangesList } from './roster-changes.js';

/** Says who came, went or was renamed since the user last looked, until the user has looked. */
export function ChangesNotice() {
  const vault = useVault();
  const [failure, setFailure] = useState<Failure>();
  if (vault.status !== 'open' || vault.changes === 'none') return null;
  const { changes, members, agents } = vault;
  return (
    <div className="notice notice-ask" role="status">
      {changes === 'unknown' ? (
        <>
          <p className="notice-title">Look at who is in your vault</p>
          <p>This browser has no list of yours yet that it could compare with.</p>
          <ul>
            {members.map((member) => (
              <li key={member.id}>
                Can open it: {memberName(member)}
                {member.own && ', which is this one'}
              </li>
            ))}
            {agents.map(({ id, name }) => (
              <li key={id}>May ask for keys: {name}</li>
            ))}
          </ul>
        </>
      ) : (
        <>
          <p className="notice-title">Changed since you last looked on this device</p>
          <RosterChangesList changes={changes} members={members} />
        </>
      )}
      <p className="hint small">
        {changes === 'unknown' ? 'If one is not yours, ' : 'If this was not you, '}
        take out what does not belong. Until you have looked, every page here goes on telling you.
      </p>
      {failure !== undefined && <ErrorNotice title="It was not noted" error={failure.error} />}
      <div className="buttons">
        <button
          type="button"
          onClick={() => void vault.confirmChanges().then((ended) => setFailure(failureOf(ended)))}
        >
          I have looked
        </button>
      </div>
    </div>
  );
}
