import { type FormEvent, type ReactNode, useEffect, useId, useRef, useState } from 'react';
import { Dialog } from './dialog.js';
import { ErrorNotice } from './error-notice.js';
import type { Failure } from './failure.js';

/** Props of {@link RecoveryCodeSteps}. */
export interface RecoveryCodeStepsProps {
  /** Gives the code, the same each time. */
  readonly readCode: () => string;
  readonly failureTitle: string;
  /** Resolves to what failed, if it failed. */
  readonly onVerify: (typed: string) => Promise<Failure | undefined>;
  readonly onClose: () => void;
  /** What to say beside the code. */
  readonly children?: ReactNode;
}

/** Shows a new recovery code, then has it typed in again. It goes into the page past React. */
export function RecoveryCodeSteps(props: RecoveryCodeStepsProps) {
  const { readCode, failureTitle, onVerify, onClose, children } = props;
  const output = useRef<HTMLOListElement>(null);
  const read = useRef(readCode);
  const id = useId();
  const [step, setStep] = useState<'show' | 'confirm'>('show');
  const [busy, setBusy] = useState(false);
  const [failure, setFailure] = useState<Failure>();

  useEffect(() => {
    const element = output.current;
    if (step !== 'show' || element === null) return;
    element.replaceChildren(
      ...read
        .current()
        .split('-')
        .map((group) => {
          const item = document.createElement('li');
          item.className = 'code-group';
          item.textContent = group;
          return item;
        }),
    );
    return () => element.replaceChildren();
  }, [step]);

  async function submit(event: FormEvent<HTMLFormElement>): Promise<void> {
    event.preventDefault();
    const form = event.currentTarget;
    setBusy(true);
    const failed = await onVerify(String(new FormData(form).get('code')));
    setBusy(false);
    setFailure(failed);
  }

  if (step === 'confirm') {
    return (
      <Dialog title="Type the code in" onClose={onClose}>
        <form className="stack" autoComplete="off" onSubmit={(event) => void submit(event)}>
          <div>
            <label htmlFor={id}>Recovery code, as you wrote it down</label>
            <textarea id={id} name="code" required spellCheck={false} autoComplete="off" />
          </div>
          {failure !== undefined && <ErrorNotice title={failureTitle} error={failure.error} />}
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
        {children}
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
