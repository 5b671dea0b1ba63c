import {
  type DeviceInfo,
  useDevices,
  useRecovery,
  useVault,
  type VaultMember,
} from '@pzk-auth/react-hooks';
import { type FormEvent, useId, useState } from 'react';
import { browserName } from './browser-name.js';
import { Dialog } from './dialog.js';
import { downloadJson } from './download-json.js';
import { ErrorNotice } from './error-notice.js';
import { type Failure, failureOf } from './failure.js';
import { FormDialog } from './form-dialog.js';
import { formatWhen } from './format.js';
import { InviteDialog } from './invite-dialog.js';
import { shortId } from './member-name.js';
import { Page } from './page.js';
import { RecoveryDialog } from './recovery-dialog.js';
import { RemovalDialog } from './removal-dialog.js';
import { useVaultOpener, VaultGate } from './vault-gate.js';
import { VaultWords } from './vault-words.js';

/** A way to open the vault, with what the server knows of its device. */
interface Row {
  readonly member: VaultMember;
  readonly device: DeviceInfo | undefined;
}

const KINDS: Readonly<Record<VaultMember['kind'], string>> = {
  passkey: 'Passkey',
  device: 'Passkey with a secret in its browser',
  recovery: 'Recovery code',
};

interface MemberRowProps {
  readonly row: Row;
  readonly onName: () => void;
  readonly onRemove: () => void;
}

function titleOf({ id, kind, name }: VaultMember): string {
  return kind === 'recovery' ? 'Recovery code' : (name ?? `Device ${shortId(id)}`);
}

function MemberRow({ row, onName, onRemove }: MemberRowProps) {
  const { member, device } = row;
  const title = titleOf(member);
  return (
    <li className="row">
      <div className="row-text">
        <p className="row-title">
          {title}
          {member.own && <span className="tag tag-good">This device</span>}
          {member.revoked && <span className="tag tag-bad">Signed out for good</span>}
        </p>
        <p className="hint small">
          {member.name !== undefined && <>{shortId(member.id)} · </>}
          {member.kind === 'recovery' ? 'Opens the vault without any device' : KINDS[member.kind]}
          {device !== undefined && <> · since {formatWhen(device.createdAt)}</>}
          {device?.backedUp === true && ' · synced'}
        </p>
      </div>
      <div className="buttons">
        {member.kind !== 'recovery' && (
          <button type="button" aria-label={`Rename ${title}`} onClick={onName}>
            Rename
          </button>
        )}
        {!member.own && (
          <button
            type="button"
            className="danger"
            aria-label={`Remove ${title}`}
            onClick={onRemove}
          >
            Remove
          </button>
        )}
      </div>
    </li>
  );
}

function RevokedNotice({ onTakeOut }: { onTakeOut: () => void }) {
  return (
    <div className="notice notice-ask">
      <p className="notice-title">A device was signed out for good and is still in your vault</p>
      <p>Change the keys of the vault to take it out.</p>
      <div className="buttons">
        <button type="button" onClick={onTakeOut}>
          Take it out
        </button>
      </div>
    </div>
  );
}

/** Downloads what the recovery code opens offline, after it has opened it here. */
function ExportDialog({ onClose }: { onClose: () => void }) {
  const { exportVault } = useRecovery();
  const id = useId();
  const [busy, setBusy] = useState(false);
  const [failure, setFailure] = useState<Failure>();

  async function submit(event: FormEvent<HTMLFormElement>): Promise<void> {
    event.preventDefault();
    const code = String(new FormData(event.currentTarget).get('code'));
    setBusy(true);
    const ended = await exportVault(code);
    setBusy(false);
    setFailure(failureOf(ended));
    if (ended.status !== 'done') return;
    downloadJson('vault-export.json', ended.value);
    onClose();
  }

  return (
    <Dialog title="Export the vault" onClose={onClose}>
      <form className="stack" autoComplete="off" onSubmit={(event) => void submit(event)}>
        <p>
          You get a file that opens with your recovery code, without this platform. It is tried
          first, so type the code in.
        </p>
        <div>
          <label htmlFor={id}>Recovery code</label>
          <textarea id={id} name="code" required spellCheck={false} autoComplete="off" />
        </div>
        {failure !== undefined && (
          <ErrorNotice title="Nothing was exported" error={failure.error} />
        )}
        <div className="buttons">
          <button type="button" onClick={onClose}>
            Cancel
          </button>
          <button type="submit" className="primary" disabled={busy}>
            Download
          </button>
        </div>
      </form>
    </Dialog>
  );
}

/** What the page asks in a dialog. */
type Asked =
  | { readonly kind: 'invite' | 'recovery' | 'rotate' | 'export' }
  | { readonly kind: 'name' | 'remove'; readonly member: VaultMember };

function NameDialog({ member, onClose }: { member: VaultMember; onClose: () => void }) {
  const { nameDevice } = useVault();
  const id = useId();
  return (
    <FormDialog
      title={`Rename ${titleOf(member)}`}
      action="Rename"
      onClose={onClose}
      onSubmit={async (fields) =>
        failureOf(await nameDevice(member.id, String(fields.get('name')).trim()))?.error
      }
    >
      <div>
        <label htmlFor={id}>Name</label>
        <input
          id={id}
          name="name"
          maxLength={64}
          defaultValue={member.name ?? (member.own ? browserName() : '')}
        />
      </div>
      <p className="hint small">It is encrypted in your vault, like your keys.</p>
    </FormDialog>
  );
}

function MemberRemovalDialog({ member, onClose }: { member: VaultMember; onClose: () => void }) {
  const { remove } = useDevices();
  return (
    <RemovalDialog
      title={
        member.kind === 'recovery' ? 'Remove the recovery code?' : `Remove ${titleOf(member)}?`
      }
      start={() => remove(member.id)}
      onClose={onClose}
    />
  );
}

function RotationDialog({ onClose }: { onClose: () => void }) {
  const { rotateVault } = useVault();
  return <RemovalDialog title="Take it out of the vault?" start={rotateVault} onClose={onClose} />;
}

function AskedDialog({ asked, onClose }: { asked: Asked; onClose: () => void }) {
  switch (asked.kind) {
    case 'invite':
      return <InviteDialog onClose={onClose} />;
    case 'recovery':
      return <RecoveryDialog onClose={onClose} />;
    case 'rotate':
      return <RotationDialog onClose={onClose} />;
    case 'export':
      return <ExportDialog onClose={onClose} />;
    case 'name':
      return <NameDialog member={asked.member} onClose={onClose} />;
    case 'remove':
      return <MemberRemovalDialog member={asked.member} onClose={onClose} />;
  }
}

function DevicesContent({ onAsk }: { onAsk: (asked: Asked) => void }) {
  const vault = useVault();
  const devices = useDevices();
  const { hasCode } = useRecovery();
  const { open, failure } = useVaultOpener();
  if (vault.status !== 'open') return null;
  const known = devices.status === 'ready' ? devices.devices : [];
  const rows = vault.members.map((member) => ({
    member,
    device: known.find(({ credentialId }) => credentialId === member.credentialId),
  }));
  return (
    <>
      {devices.status === 'failed' && (
        <ErrorNotice title="The devices could not be read" error={devices.error} />
      )}
      {vault.members.some(({ revoked }) => revoked) && (
        <RevokedNotice onTakeOut={() => onAsk({ kind: 'rotate' })} />
      )}
      {vault.members.length === 1 && (
        <div className="notice notice-ask">
          <p className="notice-title">Only this device opens your vault</p>
          <p>If you lose it, your keys are gone. Add a second device or a recovery code.</p>
        </div>
      )}
      {vault.basis === 'memory' && (
        <div className="notice">
          <p className="notice-title">Words of this vault</p>
          <p>
            A new browser shows them when it opens the vault, and they must be the same there. Every
            change of the vault changes them.
          </p>
          <VaultWords words={vault.vaultWords} />
          {failure !== undefined && (
            <ErrorNotice title="The vault was not opened again" error={failure.error} />
          )}
          <div className="buttons">
            <button type="button" onClick={() => void open()}>
              Show the words as of now
            </button>
          </div>
        </div>
      )}
      <ul className="rows" aria-label="Ways to open the vault">
        {rows.map((row) => (
          <MemberRow
            key={row.member.id}
            row={row}
            onName={() => onAsk({ kind: 'name', member: row.member })}
            onRemove={() => onAsk({ kind: 'remove', member: row.member })}
          />
        ))}
      </ul>
      <div className="buttons">
        <button type="button" className="primary" onClick={() => onAsk({ kind: 'invite' })}>
          Add a device
        </button>
        <button type="button" onClick={() => onAsk({ kind: 'recovery' })}>
          {hasCode ? 'Replace the recovery code' : 'Make a recovery code'}
        </button>
        {hasCode && (
          <button type="button" onClick={() => onAsk({ kind: 'export' })}>
            Export the vault
          </button>
        )}
      </div>
    </>
  );
}

/** Who can open the vault. */
export function DevicesPage() {
  const [asked, setAsked] = useState<Asked>();
  return (
    <Page title="Devices" lead="What opens your vault. Each has a passkey of its own.">
      <VaultGate why="Who can open it stands in the vault itself.">
        <DevicesContent onAsk={setAsked} />
      </VaultGate>
      {/* Not within the gate: a code is not written down in the minutes that the vault stays open. */}
      {asked !== undefined && <AskedDialog asked={asked} onClose={() => setAsked(undefined)} />}
    </Page>
  );
}
