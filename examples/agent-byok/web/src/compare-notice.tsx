import { useVault } from '@pzk-auth/react-hooks';
import { useState } from 'react';
import { ErrorNotice } from './error-notice.js';
import { type Failure, failureOf } from './failure.js';
import { memberName } from './member-name.js';
import { VaultWords } from './vault-words.js';

/** Says that this browser knows the vault by its passkey alone, and what to compare it with. */
export function CompareNotice() {
  const vault = useVault();
  const [failure, setFailure] = useState<Failure>();
  if (vault.status !== 'open' || vault.basis === 'memory') return null;
  return (
    <div className="notice notice-ask" role="status">
      <p className="notice-title">This browser knows your vault by its passkey alone</p>
      <p>
        It cannot tell by itself whether the platform shows it the vault as it is now, or one from
        before you changed something or removed a device. On a device that does not show this
        notice, open Devices and press “Show the words as of now”: they must be the same as these.
        If they differ, lock it here, open it again and compare once more. Until then this browser
        adds no device, pairs no agent and approves no request.
      </p>
      <VaultWords words={vault.vaultWords} />
      <p className="hint small">
        If you have no such device, see that nobody is left whom you have removed. Can open it:{' '}
        {vault.members.map(memberName).join(', ')}
        {vault.agents.length > 0 && (
          <>. May ask for keys: {vault.agents.map(({ name }) => name).join(', ')}</>
        )}
      </p>
      {failure !== undefined && <ErrorNotice title="It was not noted" error={failure.error} />}
      <div className="buttons">
        <button type="button" onClick={vault.lock}>
          They differ: lock it
        </button>
        <button
          type="button"
          onClick={() => void vault.confirmCompared().then((ended) => setFailure(failureOf(ended)))}
        >
          They are the same
        </button>
      </div>
    </div>
  );
}
