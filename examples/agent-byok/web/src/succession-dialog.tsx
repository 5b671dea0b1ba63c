import type { SuccessionReview } from '@pzk-auth/react-hooks';
import { Dialog } from './dialog.js';
import { formatCount } from './format.js';
import { shortId } from './member-name.js';
import { RecipientList } from './recipient-list.js';
import { RosterChangesList } from './roster-changes.js';
import { VaultWords } from './vault-words.js';

/** Props of {@link SuccessionDialog}. */
export interface SuccessionDialogProps {
  readonly review: SuccessionReview;
  readonly onAnswer: (yes: boolean) => void;
}

/** Asks whether the vault's new keys are to be trusted: nothing but the user can tell. */
export function SuccessionDialog({ review, onAnswer }: SuccessionDialogProps) {
  const { by, recipients, vaultWords, changes } = review;
  return (
    <Dialog title="The keys of your vault were changed" onClose={() => onAnswer(false)}>
      <p>
        Another of your devices did this, as happens when a device or a recovery code is taken out.
        Say yes only if it was you.
      </p>
      <dl className="facts">
        <div className="fact">
          <dt>In the name of</dt>
          <dd>
            {by.map((id) => `Device ${shortId(id)}`).join(', ')}
            <p className="hint small">A device that was taken out could write this name, too.</p>
          </dd>
        </div>
        {changes !== 'none' && (
          <div className="fact">
            <dt>Changed since you last looked on this device</dt>
            <dd>
              {changes === 'unknown' ? (
                'This browser has no list of yours yet: look at all of the next one.'
              ) : (
                <RosterChangesList changes={changes} />
              )}
            </dd>
          </div>
        )}
        <div className="fact">
          <dt>Can open the vault now</dt>
          <dd>
            <RecipientList recipients={recipients} />
          </dd>
        </div>
      </dl>
      <p className="hint small">
        The device that changed them shows the same words under Devices, as of now. If they differ,
        say no.
      </p>
      <VaultWords words={vaultWords} />
      <p className="hint small">
        {formatCount(recipients.length, 'way')} to open it. A device shows its own code under
        Devices.
      </p>
      <div className="buttons">
        <button type="button" onClick={() => onAnswer(false)}>
          No, leave it locked
        </button>
        <button type="button" className="primary" onClick={() => onAnswer(true)}>
          Yes, that was me
        </button>
      </div>
    </Dialog>
  );
}
