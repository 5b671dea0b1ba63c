import {
  type ActionResult,
  findProviderHint,
  type Removal,
  type RotatedSlot,
} from '@pzk-auth/react-hooks';
import { useRef, useState } from 'react';
import { AgentsStopped } from './agents-stopped.js';
import { Dialog } from './dialog.js';
import { ErrorNotice } from './error-notice.js';
import { type Failure, failureOf } from './failure.js';
import { RecoveryCodeSteps } from './recovery-code-steps.js';
import { useVaultQuestions } from './vault-questions.js';

const UNNAMED: Readonly<Record<RotatedSlot['kind'], string>> = {
  secret: 'A damaged key',
  'api-key': 'The key of this platform',
  names: 'The names of your devices',
};

/** Where a key is rotated, if that is known. */
function RotateLink({ provider }: { provider: string }) {
  const { rotateUrl } = findProviderHint(provider);
  if (rotateUrl === undefined) return null;
  return (
    <>
      , at{' '}
      <a href={rotateUrl} target="_blank" rel="noreferrer">
        {new URL(rotateUrl).hostname}
      </a>
    </>
  );
}

/** Props of {@link RemovalDialog}. */
export interface RemovalDialogProps {
  readonly title: string;
  readonly start: () => Promise<ActionResult<Removal>>;
  readonly onClose: () => void;
}

/**
 * Asks before somebody is taken out of the vault, has the new recovery code typed in, and then says what
 * should be rotated.
 */
export function RemovalDialog({ title, start, onClose }: RemovalDialogProps) {
  const questions = useVaultQuestions();
  // Not in the state: it holds the code.
  const removal = useRef<Removal>(undefined);
  const [started, setStarted] = useState(false);
  const [busy, setBusy] = useState(false);
  const [failure, setFailure] = useState<Failure>();
  const [exposed, setExposed] = useState<readonly RotatedSlot[]>();

  async function begin(): Promise<void> {
    setBusy(true);
    const ended = await start();
    setBusy(false);
    setFailure(failureOf(ended));
    if (ended.status !== 'done') return;
    removal.current = ended.value;
    setStarted(true);
  }

  async function verify(typed: string, leaveOut: readonly string[]): Promise<Failure | undefined> {
    const ended = await removal.current?.confirm(typed, { leaveOut, ...questions });
    if (ended?.status !== 'done') return ended && failureOf(ended);
    removal.current = undefined;
    setExposed(ended.value.filter(({ kind, leftOut }) => kind === 'secret' || leftOut === true));
    return undefined;
  }

  if (exposed !== undefined) {
    return (
      <Dialog title="It is out" onClose={onClose}>
        <p>
          It gets nothing new. What it could read before it may have kept, so rotate these keys at
          their providers, most important first. Your new recovery code is the one that counts:
          destroy the one before.
        </p>
        <AgentsStopped />
        {exposed.length > 0 && (
          <ul className="stack-tight">
            {exposed.map(({ id, kind, name, provider, leftOut }) => (
              <li key={id}>
                {name || UNNAMED[kind]}
                <RotateLink provider={provider} />
                {leftOut === true && ': it could not be read, and is not in your vault any more'}
              </li>
            ))}
          </ul>
        )}
        <div className="buttons">
          <button type="button" className="primary" onClick={onClose}>
            Done
          </button>
        </div>
      </Dialog>
    );
  }
  if (started && removal.current !== undefined) {
    const { leavesOut } = removal.current;
    return (
      <RecoveryCodeSteps
        readCode={() => removal.current?.code ?? ''}
        readLeaving={leavesOut}
        failureTitle="It is still in the vault"
        onVerify={verify}
        onClose={onClose}
      >
        {' '}
        Your vault gets new keys with it, and a code from before opens nothing any more.
      </RecoveryCodeSteps>
    );
  }
  return (
    <Dialog title={title} onClose={onClose}>
      <p>
        It is signed out at once. Your vault gets new keys and a new recovery code, which you write
        down in the next step. Your other devices ask you to confirm the change when they open the
        vault the next time.
      </p>
      {failure !== undefined && (
        <ErrorNotice isChange title="It was not removed" error={failure.error} />
      )}
      <div className="buttons">
        <button type="button" onClick={onClose}>
          Cancel
        </button>
        <button type="button" className="danger" disabled={busy} onClick={() => void begin()}>
          Remove it
        </button>
      </div>
    </Dialog>
  );
}
