import { useRecovery } from '@pzk-auth/react-hooks';
import { useRef, useState } from 'react';
import { AgentsStopped } from './agents-stopped.js';
import { Dialog } from './dialog.js';
import { type Failure, failureOf } from './failure.js';
import { RecoveryCodeSteps } from './recovery-code-steps.js';
import { useVaultQuestions } from './vault-questions.js';

/** Makes a recovery code: shows it, then has it typed in again. */
export function RecoveryDialog({ onClose }: { onClose: () => void }) {
  const { create, leavesOut, confirm, hasCode } = useRecovery();
  const questions = useVaultQuestions();
  const [done, setDone] = useState(false);
  const [replaces] = useState(hasCode);
  const code = useRef('');

  async function verify(typed: string, leaveOut: readonly string[]): Promise<Failure | undefined> {
    const ended = await confirm(typed, { leaveOut, ...questions });
    if (ended.status !== 'done') return failureOf(ended);
    code.current = '';
    setDone(true);
    return undefined;
  }

  if (done) {
    return (
      <Dialog title="The recovery code works" onClose={onClose}>
        <p>Keep it where nobody else looks: it opens your vault without any device.</p>
        {replaces === true && <AgentsStopped />}
        <div className="buttons">
          <button type="button" className="primary" onClick={onClose}>
            Done
          </button>
        </div>
      </Dialog>
    );
  }
  return (
    <RecoveryCodeSteps
      readCode={() => {
        if (code.current === '') code.current = create();
        return code.current;
      }}
      readLeaving={leavesOut}
      failureTitle="The code is not in use yet"
      onVerify={verify}
      onClose={onClose}
    >
      {replaces === true && ' It takes the place of the one before, which then opens nothing.'}
    </RecoveryCodeSteps>
  );
}
