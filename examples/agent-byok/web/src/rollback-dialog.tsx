import type { RollbackReview } from '@pzk-auth/react-hooks';
import { Dialog } from './dialog.js';
import { formatCount } from './format.js';
import { RecipientList } from './recipient-list.js';
import { RosterChangesList } from './roster-changes.js';
import { VaultWords } from './vault-words.js';

/** Props of {@link RollbackDialog}. */
export interface RollbackDialogProps {
  readonly review: RollbackReview;
  readonly onAnswer: (yes: boolean) => void;
}

/** Asks whether to go on with an older vault: a restored backup, or one that hides what came later. */
export function RollbackDialog({ review, onAnswer }: RollbackDialogProps) {
  const { missing, rememberedCounter, signer, recipients, vaultWords, changes } = review;
  return (
    <Dialog title="You are shown an older state of your vault" onClose={() => onAnswer(false)}>
      <p>
        This browser knows a newer one. At least {formatCount(missing, 'change')} up to number{' '}
        {rememberedCounter} {missing === 1 ? 'is' : 'are'} missing: keys that were added or rotated,
        or devices that were removed.
      </p>
      <p>
        The platform may have restored a backup. Or it hides what came later, for instance to bring
        a removed device back: this looks the same from here. Ask its operator first, by another way
        than this page, whether a backup was restored, and from when.
      </p>
      {signer === 'earlier' && (
        <div className="notice notice-bad">
          <p className="notice-title">A change of keys is undone</p>
          <p>
            Whoever was taken out of your vault by it can open this state again. Take it out once
            more.
          </p>
        </div>
      )}
      <dl className="facts">
        {typeof changes !== 'string' && (
          <div className="fact">
            <dt>Other than when you last looked on this device</dt>
            <dd>
              <RosterChangesList changes={changes} />
            </dd>
          </div>
        )}
        <div className="fact">
          <dt>Can open the vault in this state</dt>
          <dd>
            <RecipientList recipients={recipients} />
          </dd>
        </div>
      </dl>
      <VaultWords words={vaultWords} />
      <p className="hint small">
        With a yes this browser goes on from here and forgets the newer state. Enter what is missing
        anew, and compare the words with another device.
      </p>
      <div className="buttons">
        <button type="button" className="primary" onClick={() => onAnswer(false)}>
          No, leave it locked
        </button>
        <button type="button" className="danger" onClick={() => onAnswer(true)}>
          Yes, a backup was restored
        </button>
      </div>
    </Dialog>
  );
}
