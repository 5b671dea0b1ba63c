import { useDevices } from '@pzk-auth/react-hooks';
import { type FormEvent, useEffect, useId, useState } from 'react';
import { CopyButton } from './copy-button.js';
import { Dialog } from './dialog.js';
import { ErrorNotice } from './error-notice.js';
import { type Failure, failureOf } from './failure.js';
import { formatCountdown } from './format.js';
import { invitationLink } from './invitation-link.js';
import { shortId } from './member-name.js';
import { QrCode } from './qr-code.js';
import { useSeconds } from './use-seconds.js';
import { useVaultQuestions } from './vault-questions.js';

function OpenInvitation({ fragment, expiresAt }: { fragment: string; expiresAt: number }) {
  const now = useSeconds(true);
  const link = invitationLink(fragment);

  return (
    <>
      <p>
        Scan this with the other device, or send it the link. Only you should see it, and it serves
        once.
      </p>
      <QrCode text={link} label="Link of the invitation as a QR code" />
      <code className="secret-value">{link}</code>
      <p className="hint small">
        Waiting for the other device. Ends in{' '}
        <span role="timer">{formatCountdown(expiresAt - now / 1000)}</span>.
      </p>
      <CopyButton label="Copy the link" text={link} />
    </>
  );
}

/** Invites another device and, when it has answered, asks whether to let it in. */
export function InviteDialog({ onClose }: { onClose: () => void }) {
  const { invitation, invite, admit, dismissInvitation } = useDevices();
  const questions = useVaultQuestions();
  const id = useId();
  const [busy, setBusy] = useState(false);
  const [failure, setFailure] = useState<Failure>();

  useEffect(() => {
    void invite();
    return dismissInvitation;
  }, [invite, dismissInvitation]);

  async function letIn(event: FormEvent<HTMLFormElement>): Promise<void> {
    event.preventDefault();
    const name = String(new FormData(event.currentTarget).get('name')).trim();
    setBusy(true);
    setFailure(failureOf(await admit({ name, ...questions })));
    setBusy(false);
  }

  const failed = failure !== undefined && (
    <ErrorNotice isChange title="It was not let in" error={failure.error} />
  );
  const closing = (
    <button type="button" onClick={onClose}>
      {invitation.status === 'open' ? 'Cancel' : 'Close'}
    </button>
  );

  switch (invitation.status) {
    case 'joined':
      return (
        <Dialog title="Let this device in?" onClose={onClose}>
          <p>It answered your invitation, and nothing on the way has changed it.</p>
          <dl className="facts">
            <div className="fact">
              <dt>Device</dt>
              <dd>{shortId(invitation.device.id)}</dd>
            </div>
            <div className="fact">
              <dt>Opens the vault with</dt>
              <dd>
                {invitation.device.kind === 'passkey'
                  ? 'a passkey'
                  : 'a passkey and a secret in its browser'}
              </dd>
            </div>
            <div className="fact">
              <dt>Passkey</dt>
              <dd>
                <code>{invitation.device.credentialId.slice(0, 16)}…</code>
              </dd>
            </div>
          </dl>
          <p>
            Say yes only if you have just made a passkey on it. It will read every key you have.
          </p>
          <form className="stack" autoComplete="off" onSubmit={(event) => void letIn(event)}>
            <div>
              <label htmlFor={id}>What do you call it? (optional)</label>
              <input id={id} name="name" maxLength={64} placeholder="Phone" />
            </div>
            {failed}
            <div className="buttons">
              <button type="button" onClick={onClose}>
                No
              </button>
              <button type="submit" className="primary" disabled={busy}>
                Yes, let it in
              </button>
            </div>
          </form>
        </Dialog>
      );
    case 'admitted':
      return (
        <Dialog title="It is in" onClose={onClose}>
          <p>Sign in on the other device now.</p>
          <div className="buttons">{closing}</div>
        </Dialog>
      );
    default:
      return (
        <Dialog title="Add a device" onClose={onClose}>
          {invitation.status === 'none' && <p role="status">Making an invitation.</p>}
          {invitation.status === 'open' && <OpenInvitation {...invitation} />}
          {invitation.status === 'ended' && <p>The invitation has ended.</p>}
          {failed}
          {invitation.status === 'failed' && (
            <ErrorNotice title="No device was added" error={invitation.error} />
          )}
          <div className="buttons">{closing}</div>
        </Dialog>
      );
  }
}
