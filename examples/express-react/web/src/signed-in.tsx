import type { ActiveSession } from '@pzk-auth/client';
import { formatCountdown } from './format.js';
import { useSeconds } from './use-seconds.js';

/** Props of {@link SignedIn}. */
export interface SignedInProps {
  readonly session: ActiveSession;
  readonly onRenew: () => void;
  readonly onSignOut: () => void;
}

/** An active session: how long its token lasts, and what one can do with it. */
export function SignedIn({ session, onRenew, onSignOut }: SignedInProps) {
  const now = useSeconds(true);
  const { expiresAt, authTime, scope } = session;
  return (
    <div className="stack">
      <dl className="facts">
        <div>
          <dt>Token ends in</dt>
          <dd className="countdown">
            <span role="timer">{formatCountdown(expiresAt - now / 1000)}</span>
          </dd>
        </div>
        <div>
          <dt>Last touch</dt>
          <dd>
            {authTime === undefined ? 'unknown' : `${formatCountdown(now / 1000 - authTime)} ago`}
          </dd>
        </div>
        <div>
          <dt>Scope</dt>
          <dd>{scope.join(', ')}</dd>
        </div>
      </dl>
      <p className="buttons">
        <button type="button" onClick={onRenew}>
          Renew the token
        </button>
        <button type="button" onClick={onSignOut}>
          Sign out
        </button>
      </p>
    </div>
  );
}
