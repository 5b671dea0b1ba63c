import {
  findProviderHint,
  type ProviderHint,
  type PzkError,
  providerHints,
  recognizeKey,
  useVault,
  type VaultSlot,
} from '@pzk-auth/react-hooks';
import { useEffect, useId, useRef, useState } from 'react';
import { Dialog } from './dialog.js';
import { ErrorNotice } from './error-notice.js';
import { FormDialog } from './form-dialog.js';
import { formatCountdown } from './format.js';

/** How long a revealed value shows, in seconds. */
const SHOWN_FOR = 20;

const errorOf = (ended: { status: string; error?: PzkError }) =>
  ended.status === 'failed' ? ended.error : undefined;

/**
 * The value of a key, in a field that React does not control and browsers do not keep. It says so where the
 * key begins like one of another provider.
 */
function ValueField({
  label,
  provider,
  onChoose,
}: {
  label: string;
  provider: string;
  /** Takes the provider that the key is of. Absent where that is fixed. */
  onChoose?: (provider: string) => void;
}) {
  const id = useId();
  const [recognized, setRecognized] = useState<ProviderHint>();
  const chosen = findProviderHint(provider);
  const other = recognized?.id === provider ? undefined : recognized;
  return (
    <div className="stack-tight">
      <label htmlFor={id}>{label}</label>
      <input
        id={id}
        name="value"
        type="password"
        required
        maxLength={8192}
        autoComplete="off"
        autoCapitalize="off"
        spellCheck={false}
        data-1p-ignore=""
        aria-describedby={`${id}-other`}
        onInput={(event) => setRecognized(recognizeKey(event.currentTarget.value))}
      />
      <div id={`${id}-other`} role="status">
        {other !== undefined && (
          <div className="notice notice-ask">
            <p>
              This looks like a key of {other.name}
              {chosen.host !== undefined && `, not of ${chosen.name}`}.
            </p>
            {onChoose !== undefined && (
              <div className="buttons">
                <button type="button" onClick={() => onChoose(other.id)}>
                  It is of {other.name}
                </button>
              </div>
            )}
          </div>
        )}
      </div>
    </div>
  );
}

function AnyFormField() {
  return (
    <label className="choice">
      <input type="checkbox" name="anyForm" />
      Keep it even if it does not look like a key of this provider
    </label>
  );
}

/** Adds a key. */
export function AddDialog({
  provider: first = providerHints[0]?.id ?? '',
  onClose,
}: {
  provider?: string;
  onClose: () => void;
}) {
  const { addSecret } = useVault();
  const id = useId();
  const [provider, setProvider] = useState(first);
  const hint = findProviderHint(provider);
  return (
    <FormDialog
      title="Add a key"
      about="new key"
      action="Put it into the vault"
      onClose={onClose}
      onSubmit={async (fields) =>
        errorOf(
          await addSecret({
            name: String(fields.get('name')).trim() || hint.name,
            provider,
            value: String(fields.get('value')),
            anyForm: fields.has('anyForm'),
          }),
        )
      }
    >
      <div>
        <label htmlFor={`${id}-provider`}>Provider</label>
        <select
          id={`${id}-provider`}
          value={provider}
          onChange={(event) => setProvider(event.target.value)}
        >
          {providerHints.map((one) => (
            <option key={one.id} value={one.id}>
              {one.name}
            </option>
          ))}
        </select>
      </div>
      <div>
        <label htmlFor={`${id}-name`}>Name</label>
        <input id={`${id}-name`} name="name" maxLength={64} placeholder={hint.name} />
      </div>
      <ValueField label="Key" provider={provider} onChoose={setProvider} />
      <AnyFormField />
      <p className="hint small">
        It is encrypted here before it leaves this browser.
        {hint.rotateUrl !== undefined && (
          <>
            {' '}
            Keys of {hint.name} are made at{' '}
            <a href={hint.rotateUrl} target="_blank" rel="noreferrer">
              {new URL(hint.rotateUrl).hostname}
            </a>
            .
          </>
        )}
      </p>
    </FormDialog>
  );
}

/** Another name. */
export function RenameDialog({ slot, onClose }: { slot: VaultSlot; onClose: () => void }) {
  const { renameSecret } = useVault();
  const id = useId();
  return (
    <FormDialog
      title={`Rename ${slot.name}`}
      about={slot}
      action="Rename"
      onClose={onClose}
      onSubmit={async (fields) =>
        errorOf(await renameSecret(slot.id, { name: String(fields.get('name')).trim() }))
      }
    >
      <div>
        <label htmlFor={id}>Name</label>
        <input id={id} name="name" required maxLength={64} defaultValue={slot.name} />
      </div>
    </FormDialog>
  );
}

/** Leads through a rotation: a new key at the provider, then here, then the old one ends. */
export function RotateDialog({ slot, onClose }: { slot: VaultSlot; onClose: () => void }) {
  const { updateSecret } = useVault();
  const { name, rotateUrl } = findProviderHint(slot.provider);
  return (
    <FormDialog
      title={`Rotate ${slot.name}`}
      about={slot}
      action="Replace the key"
      onClose={onClose}
      onSubmit={async (fields) =>
        errorOf(
          await updateSecret(slot.id, {
            value: String(fields.get('value')),
            anyForm: fields.has('anyForm'),
          }),
        )
      }
    >
      <ol className="stack-tight">
        <li>
          1. Make a new key
          {rotateUrl === undefined ? (
            ' at the provider.'
          ) : (
            <>
              {' '}
              at{' '}
              <a href={rotateUrl} target="_blank" rel="noreferrer">
                {name}
              </a>
              .
            </>
          )}
        </li>
        <li>2. Put it in here. Agents get it from their next approval on.</li>
        <li>3. Delete the old key at the provider. Only that makes it useless.</li>
      </ol>
      <ValueField label="New key" provider={slot.provider} />
      <AnyFormField />
    </FormDialog>
  );
}

/** Asks before a key is deleted. */
export function DeleteDialog({ slot, onClose }: { slot: VaultSlot; onClose: () => void }) {
  const { deleteSecret } = useVault();
  return (
    <FormDialog
      title={slot.damaged === undefined ? `Delete ${slot.name}?` : 'Delete the damaged key?'}
      about={slot}
      action="Delete"
      danger
      onClose={onClose}
      onSubmit={async () => errorOf(await deleteSecret(slot.id))}
    >
      <p>
        It is gone from the vault on all devices. At{' '}
        {slot.damaged === undefined ? findProviderHint(slot.provider).name : 'its provider'} it goes
        on working until you delete it there, too.
      </p>
    </FormDialog>
  );
}

/** Shows a value for a moment. It goes into the page past React, and is overwritten with it. */
export function RevealDialog({ slot, onClose }: { slot: VaultSlot; onClose: () => void }) {
  const { readSecret, status } = useVault();
  const isOpen = status === 'open';
  const output = useRef<HTMLElement>(null);
  const [left, setLeft] = useState(SHOWN_FOR);
  const [error, setError] = useState<PzkError>();

  useEffect(() => {
    if (!isOpen) return;
    let wanted = true;
    const element = output.current;
    void readSecret(slot.id).then((ended) => {
      if (ended.status === 'failed') {
        if (wanted) setError(ended.error);
        return;
      }
      if (wanted && element) element.textContent = new TextDecoder().decode(ended.value);
      ended.value.fill(0);
    });
    return () => {
      wanted = false;
      if (element) element.textContent = '';
    };
  }, [readSecret, slot.id, isOpen]);

  useEffect(() => {
    const timer = setInterval(() => setLeft((seconds) => seconds - 1), 1000);
    return () => clearInterval(timer);
  }, []);
  useEffect(() => {
    if (left <= 0) onClose();
  }, [left, onClose]);

  return (
    <Dialog title={slot.name} onClose={onClose}>
      {error !== undefined && <ErrorNotice title="It cannot be shown" error={error} />}
      <code className="secret-value" ref={output} />
      {isOpen ? (
        <p className="hint small">
          Hidden again in <span role="timer">{formatCountdown(left)}</span>. Make sure that nobody
          looks over your shoulder.
        </p>
      ) : (
        <p role="status">The vault is locked now, so the key is hidden again.</p>
      )}
      <div className="buttons">
        <button type="button" className="primary" onClick={onClose}>
          Hide
        </button>
      </div>
    </Dialog>
  );
}
