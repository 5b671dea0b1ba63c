import { useVault } from '@pzk-auth/react-hooks';
import { useState } from 'react';
import { ErrorNotice } from './error-notice.js';
import { type Failure, failureOf } from './failure.js';
import { formatWhen } from './format.js';

/** Says that somebody wants the vault to be replaced, with a way to keep it. */
export function ResetNotice() {
  const vault = useVault();
  const [cancelled, setCancelled] = useState(false);
  const [failure, setFailure] = useState<Failure>();
  if (vault.status !== 'open' || vault.resetAt === undefined || cancelled) return null;

  async function cancel(): Promise<void> {
    const ended = await vault.cancelReset();
    setFailure(failureOf(ended));
    setCancelled(ended.status === 'done');
  }

  return (
    <div className="notice notice-bad" role="alert">
      <p className="notice-title">Your vault will be replaced</p>
      <p>
        Somebody said that all of your devices are lost. From {formatWhen(vault.resetAt)} on your
        keys can be thrown away and every device signed out. If that was not you, keep the vault.
      </p>
      {failure !== undefined && (
        <ErrorNotice isChange title="It was not cancelled" error={failure.error} />
      )}
      <div className="buttons">
        <button type="button" onClick={() => void cancel()}>
          Keep my vault
        </button>
      </div>
    </div>
  );
}
