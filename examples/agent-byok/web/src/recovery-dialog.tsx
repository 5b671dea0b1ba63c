import { useRecovery } from '@pzk-auth/react-hooks';
import { type FormEvent, useEffect, useId, useRef, useState } from 'react';
import { Dialog } from './dialog.js';
import { ErrorNotice } from './error-notice.js';
import { type Failure, failureOf } from './failure.js';

/** Makes a recovery code: shows it, then has it typed in again. It goes into the page past React. */
export function RecoveryDialog({ onClose }: { onClose: () => void }) {
  const { create, confirm, hasCode } = useRecovery();
  const output = useRef<HTMLOListElement>(null);
  const id = useId();
  const [step, setStep] = useState<'show' | 'confirm' | 'done'>('show');
  const [replaces] = useState(hasCode);
  const [busy, setBusy] = useState(false);
  const [failure, setFailure] = useState<Failure>();
  const code = useRef('');

  useEffect(() => {
    const element = output.current;
    if (step !== 'show' || element === null) return;
    if (code.current === '') code.current = create();
    element.replaceChildren(
      ...code.current.split('-').map((group) => {
        const item = document.createElement('li');
        item.className = 'code-group';
        item.textContent = group;
        return item;
      }),
    );
    return () => element.replaceChildren();
  }, [step, create]);

  async function submit(event: FormEvent<HTMLFormElement>): Promise<void> {
    event.preventDefault();
    const form = event.currentTarget;
    setBusy(true);
    const ended = await confirm(String(new FormData(form).get('code')));
    setBusy(false);
    setFailure(failureOf(ended));
    if (ended.status !== 'done') return;
    code.current = '';
    setStep('done');
  }

  if (step === 'done') {
    return (
      <Dialog title="The recovery code works" onClose={onClose}>
        <p>Keep it where nobody else looks: it opens your vault without any device.</p>
        <div className="buttons">
          <button type="button" className="primary" onClick={onClose}>
            Done
          </button>
        </div>
      </Dialog>
    );
  }
  if (step === 'confirm') {
    return (
      <Dialog title="Type the code in" onClose={onClose}>
        <form className="stack" autoComplete="off" onSubmit={(event) => void submit(event)}>
          <div>
            <label htmlFor={id}>Recovery code, as you wrote it down</label>
            <textarea id={id} name="code" required spellCheck={false} autoComplete="off" />
          </div>
          {failure !== undefined && (
            <ErrorNotice title="The code is not in use yet" error={failure.error} />
          )}
          <div className="buttons">
            <button type="button" onClick={() => setStep('show')}>
              Show it again
            </button>
            <button type="submit" className="primary" disabled={busy}>
              Verify
            </button>
          </div>
        </form>
      </Dialog>
    );
  }
  return (
    <Dialog title="Your recovery code" onClose={onClose}>
      <p>
        Write it down or print it. It is shown once, and the platform does not have it.
        {replaces === true && ' It takes the place of the one before, which then opens nothing.'}
      </p>
      {/* Filled by script, so that no state of React holds the code. */}
      <ol className="code-groups" aria-label="Recovery code" ref={output} />
      <div className="buttons">
        <button type="button" onClick={onClose}>
          Cancel
        </button>
        <button type="button" className="primary" onClick={() => setStep('confirm')}>
          I have written it down
        </button>
      </div>
    </Dialog>
  );
}
