import { type PzkError, useVault, type VaultSlot } from '@pzk-auth/react-hooks';
import { type FormEvent, type ReactNode, useEffect, useRef, useState } from 'react';
import { Dialog } from './dialog.js';
import { ErrorNotice } from './error-notice.js';
import { useVaultOpener } from './vault-gate.js';

/**
 * How long a key that was typed in outlives the lock of the vault, for another try. Milliseconds. Who
 * locks the vault, or lets it lock itself, does not expect one to lie open in a form.
 */
const KEPT_FOR = 60_000;

/** Whether the form holds a key that was typed in, and whether it is taken out. */
function findTyped(form: HTMLFormElement | null, wipe = false): boolean {
  const inputs = form?.querySelectorAll<HTMLInputElement>('input[type=password]') ?? [];
  const typed = [...inputs].filter(({ value }) => value !== '');
  if (wipe) for (const input of typed) input.value = '';
  return typed.length > 0;
}

/** What a locked vault leaves of a form: everything but the key, and that for a minute. */
function LockedNotice({ typed }: { typed: 'nothing' | 'kept' | 'wiped' }) {
  const { failure } = useVaultOpener();
  const vault = useVault();
  return (
    <>
      <div className="notice notice-ask" role="status">
        <p className="notice-title">Your vault is locked, and this waits for you</p>
        {vault.status === 'opening' ? (
          <p>Your browser asks for the passkey.</p>
        ) : (
          <p>
            What you typed is still here.
            {typed === 'kept' && ' The key that you have typed is kept for one minute.'}
            {typed === 'wiped' &&
              ' The key that you had typed is not kept any more: enter it again.'}
          </p>
        )}
      </div>
      {failure !== undefined && (
        <ErrorNotice title="The vault was not opened" error={failure.error} />
      )}
    </>
  );
}

/** Says what another device, or a try whose answer was lost, has changed since the dialog was opened. */
function describeChange(
  slot: FormDialogProps['about'],
  { before, now }: { readonly before: readonly VaultSlot[]; readonly now: readonly VaultSlot[] },
): string | undefined {
  if (slot === undefined) return undefined;
  if (slot === 'new key') {
    const added = now.filter(({ id }) => before.every((one) => one.id !== id));
    if (added.length === 0) return undefined;
    return `New in the vault meanwhile: ${added.map(({ name }) => name || 'a key').join(', ')}.`;
  }
  const current = now.find(({ id }) => id === slot.id);
  if (current === undefined) return 'This key is not in the vault any more.';
  if (current.version === slot.version) return undefined;
  const renamed = current.name === slot.name ? '' : `, and is called ${current.name} now`;
  return `This key was changed meanwhile${renamed}.`;
}

/** Props of {@link FormDialog}. */
export interface FormDialogProps {
  readonly title: string;
  readonly action: string;
  readonly danger?: boolean;
  /** The key that it is about, as it was when the dialog was opened. */
  readonly about?: VaultSlot | 'new key';
  readonly children: ReactNode;
  /** Resolves to what failed. */
  readonly onSubmit: (fields: FormData) => Promise<PzkError | undefined>;
  readonly onClose: () => void;
}

/**
 * A form in a dialog, which stays open until what it asks for was done. Not below what shows only while the
 * vault is open: where the vault is locked meanwhile, by time or as another device has changed it, what was
 * typed is still there when it is open again.
 */
export function FormDialog(props: FormDialogProps) {
  const { title, action, danger, about, children, onSubmit, onClose } = props;
  const vault = useVault();
  const { open } = useVaultOpener();
  const form = useRef<HTMLFormElement>(null);
  const [error, setError] = useState<PzkError>();
  const [busy, setBusy] = useState(false);
  const [typed, setTyped] = useState<'nothing' | 'kept' | 'wiped'>('nothing');
  const [before] = useState(vault.status === 'open' ? vault.slots : []);
  const isOpen = vault.status === 'open';
  const changed = isOpen ? describeChange(about, { before, now: vault.slots }) : undefined;

  useEffect(() => {
    if (isOpen) return;
    setTyped(findTyped(form.current) ? 'kept' : 'nothing');
    const timer = setTimeout(() => {
      if (findTyped(form.current, true)) setTyped('wiped');
    }, KEPT_FOR);
    return () => clearTimeout(timer);
  }, [isOpen]);

  async function submit(event: FormEvent<HTMLFormElement>): Promise<void> {
    event.preventDefault();
    if (busy) return;
    if (!isOpen) return void open();
    setBusy(true);
    const failed = await onSubmit(new FormData(event.currentTarget));
    setBusy(false);
    setError(failed);
    if (failed === undefined) onClose();
  }

  return (
    <Dialog title={title} onClose={onClose}>
      <form
        ref={form}
        className="stack"
        onSubmit={(event) => void submit(event)}
        autoComplete="off"
      >
        {children}
        {error !== undefined && <ErrorNotice isChange title="Nothing was changed" error={error} />}
        {changed !== undefined && (
          <p className="notice notice-ask" role="status">
            {changed}
          </p>
        )}
        {!isOpen && <LockedNotice typed={typed} />}
        <div className="buttons">
          <button type="button" onClick={onClose}>
            Cancel
          </button>
          {isOpen ? (
            <button type="submit" className={danger ? 'danger' : 'primary'} disabled={busy}>
              {action}
            </button>
          ) : (
            <button
              type="button"
              className="primary"
              disabled={busy || vault.status === 'opening'}
              onClick={() => void open()}
            >
              Open it and go on
            </button>
          )}
        </div>
      </form>
    </Dialog>
  );
}
