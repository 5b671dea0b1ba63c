import { findProviderHint, useVault, type VaultSlot } from '@pzk-auth/react-hooks';
import { useState } from 'react';
import { formatCountdown } from './format.js';
import { LostKeys } from './lost-keys.js';
import { Page } from './page.js';
import {
  AddDialog,
  DeleteDialog,
  RenameDialog,
  RevealDialog,
  RotateDialog,
} from './secret-dialogs.js';
import { useSeconds } from './use-seconds.js';
import { VaultGate } from './vault-gate.js';

const DIALOGS = {
  reveal: RevealDialog,
  rename: RenameDialog,
  rotate: RotateDialog,
  delete: DeleteDialog,
} as const;

type SlotAction = keyof typeof DIALOGS;

const ACTIONS: readonly (readonly [action: SlotAction, text: string])[] = [
  ['reveal', 'Reveal'],
  ['rename', 'Rename'],
  ['rotate', 'Rotate'],
  ['delete', 'Delete'],
];

/** What does not open can only be deleted. */
function DamagedRow({ slot, onDelete }: { slot: VaultSlot; onDelete: () => void }) {
  return (
    <li className="row">
      <div className="row-text">
        <p className="row-title">
          Damaged key
          <span className="tag tag-bad">Cannot be read</span>
        </p>
        <p className="hint small">
          {slot.damaged === 'replaced'
            ? 'The platform has other bytes than your device stored.'
            : 'It was stored like this by one of your devices.'}
        </p>
      </div>
      <div className="buttons">
        <button
          type="button"
          className="danger"
          aria-label="Delete the damaged key"
          onClick={onDelete}
        >
          Delete
        </button>
      </div>
    </li>
  );
}

function SlotRow({ slot, onAction }: { slot: VaultSlot; onAction: (action: SlotAction) => void }) {
  return (
    <li className="row">
      <div className="row-text">
        <p className="row-title">
          {slot.name}
          <span className="tag">{findProviderHint(slot.provider).name}</span>
        </p>
      </div>
      <div className="buttons">
        {ACTIONS.map(([action, text]) => (
          <button
            key={action}
            type="button"
            className={action === 'delete' ? 'danger' : undefined}
            aria-label={`${text} ${slot.name}`}
            onClick={() => onAction(action)}
          >
            {text}
          </button>
        ))}
      </div>
    </li>
  );
}

function LockTimer({ locksAt, onLock }: { locksAt: number; onLock: () => void }) {
  const now = useSeconds(true);
  return (
    <div className="buttons">
      <span className="hint small nowrap">
        Open for <span role="timer">{formatCountdown(locksAt - now / 1000)}</span>
      </span>
      <button type="button" onClick={onLock}>
        Lock now
      </button>
    </div>
  );
}

/** What the page asks in a dialog. */
type Asked = { readonly action: 'add' } | { readonly action: SlotAction; readonly slot: VaultSlot };

function AskedDialog({ asked, onClose }: { asked: Asked; onClose: () => void }) {
  if (asked.action === 'add') return <AddDialog onClose={onClose} />;
  const Shown = DIALOGS[asked.action];
  return <Shown slot={asked.slot} onClose={onClose} />;
}

function VaultContent({ onAsk }: { onAsk: (asked: Asked) => void }) {
  const vault = useVault();
  if (vault.status !== 'open') return null;
  const secrets = vault.slots.filter(({ kind }) => kind === 'secret');
  return (
    <>
      <div className="card-head">
        <LockTimer locksAt={vault.locksAt} onLock={vault.lock} />
        <button type="button" className="primary" onClick={() => onAsk({ action: 'add' })}>
          Add a key
        </button>
      </div>
      {secrets.length === 0 ? (
        <div className="empty">
          <h2>Nothing in here yet</h2>
          <p className="hint">
            Add a key of a service that you pay for. The platform stores it encrypted and cannot
            read it.
          </p>
        </div>
      ) : (
        <ul className="rows" aria-label="Keys">
          {secrets.map((slot) =>
            slot.damaged === undefined ? (
              <SlotRow key={slot.id} slot={slot} onAction={(action) => onAsk({ action, slot })} />
            ) : (
              <DamagedRow
                key={slot.id}
                slot={slot}
                onDelete={() => onAsk({ action: 'delete', slot })}
              />
            ),
          )}
        </ul>
      )}
    </>
  );
}

/** The user's keys. */
export function VaultPage() {
  const [asked, setAsked] = useState<Asked>();
  return (
    <Page
      title="Vault"
      lead="Your keys, encrypted under your passkeys. The platform keeps them and cannot open them."
    >
      <LostKeys />
      <VaultGate why="What is in it can be read on your devices only.">
        <VaultContent onAsk={setAsked} />
      </VaultGate>
      {/* Not within the gate: what was typed is not lost when the vault is locked meanwhile. */}
      {asked !== undefined && <AskedDialog asked={asked} onClose={() => setAsked(undefined)} />}
    </Page>
  );
}
