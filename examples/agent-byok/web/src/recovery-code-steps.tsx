import { type ActionResult, isUndecided, type VaultSlot } from '@pzk-auth/react-hooks';
import { type FormEvent, type ReactNode, useEffect, useId, useRef, useState } from 'react';
import { Dialog } from './dialog.js';
import { ErrorNotice } from './error-notice.js';
import type { Failure } from './failure.js';
import { LeavingSlots } from './leaving-slots.js';

/** Props of {@link RecoveryCodeSteps}. */
export interface RecoveryCodeStepsProps {
  /** Gives the code, the same each time. */
  readonly readCode: () => string;
  /** Gives the slots that are lost with the code. */
  readonly readLeaving: () => Promise<ActionResult<readonly VaultSlot[]>>;
  readonly failureTitle: string;
  /**
   * Resolves to what failed, if it failed.
   *
   * @param leaveOut - Ids of slots that the user lets go.
   */
  readonly onVerify: (typed: string, leaveOut: readonly string[]) => Promise<Failure | undefined>;
  readonly onClose: () => void;
  /** What to say beside the code. */
  readonly children?: ReactNode;
}

const UNDECIDED =
  'Keep the code that you have written down: it may be the valid one already. Verify it again to find out.';

/**
 * Shows a new recovery code and what is lost with it, then has it typed in again. It goes into the page past
 * React. Not below what shows only while the vault is open: the code may be the valid one by then.
 */
export function RecoveryCodeSteps(props: RecoveryCodeStepsProps) {
  const { readCode, readLeaving, failureTitle, onVerify, onClose, children } = props;
  const output = useRef<HTMLOListElement>(null);
  const read = useRef({ readCode, readLeaving });
  const id = useId();
  const [step, setStep] = useState<'show' | 'confirm'>('show');
  const [busy, setBusy] = useState(false);
  const [failure, setFailure] = useState<Failure>();
  const [leaving, setLeaving] = useState<readonly VaultSlot[]>([]);
  const [agreed, setAgreed] = useState(false);
  const replaced = leaving.filter(({ damaged }) => damaged === 'replaced').map((slot) => slot.id);

  useEffect(() => {
    const element = output.current;
    if (step !== 'show' || element === null) return;
    let wanted = true;
    const code = read.current.readCode();
    setAgreed(false);
    // Where the vault is locked meanwhile, verifying opens it, and leads back here if something is lost.
    void read.current.readLeaving().then((ended) => {
      if (wanted && ended.status === 'done') setLeaving(ended.value);
    });
    element.replaceChildren(
      ...code.split('-').map((group) => {
        const item = document.createElement('li');
        item.className = 'code-group';
        item.textContent = group;
        return item;
      }),
    );
    return () => {
      wanted = false;
      element.replaceChildren();
    };
  }, [step]);

  async function submit(event: FormEvent<HTMLFormElement>): Promise<void> {
    event.preventDefault();
    const form = event.currentTarget;
    setBusy(true);
    const failed = await onVerify(String(new FormData(form).get('code')), agreed ? replaced : []);
    setBusy(false);
    setFailure(failed);
    if (failed?.error.code === 'vault_slot_invalid') setStep('show');
  }

  const failed = failure !== undefined && (
    <ErrorNotice
      isChange
      title={failureTitle}
      error={failure.error}
      {...(isUndecided(failure.error) && { advice: UNDECIDED })}
    />
  );

  if (step === 'confirm') {
    return (
      <Dialog title="Type the code in" onClose={onClose}>
        <form className="stack" autoComplete="off" onSubmit={(event) => void submit(event)}>
          <div>
            <label htmlFor={id}>Recovery code, as you wrote it down</label>
            <textarea id={id} name="code" required spellCheck={false} autoComplete="off" />
          </div>
          {failed}
          <div className="buttons">
            <button
              type="button"
              onClick={() => {
                setFailure(undefined);
                setStep('show');
              }}
            >
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
        Write it down or print it. The platform does not have it, and once you have typed it in
        nobody can show it again.
        {children}
      </p>
      {/* Filled by script, so that no state of React holds the code. */}
      <ol className="code-groups" aria-label="Recovery code" ref={output} />
      {leaving.length > 0 && <LeavingSlots slots={leaving} isAgreed={agreed} onAgree={setAgreed} />}
      {failed}
      <div className="buttons">
        <button type="button" onClick={onClose}>
          Cancel
        </button>
        <button
          type="button"
          className="primary"
          disabled={replaced.length > 0 && !agreed}
          onClick={() => setStep('confirm')}
        >
          I have written it down
        </button>
      </div>
    </Dialog>
  );
}
