import type { ReplacedSlot } from '@pzk-auth/react-hooks';
import { describeSlots } from './describe-slots.js';
import { Dialog } from './dialog.js';

/** Props of {@link ReplacedSlotsDialog}. */
export interface ReplacedSlotsDialogProps {
  readonly slots: readonly ReplacedSlot[];
  readonly onAnswer: (yes: boolean) => void;
}

/** Asks whether to go on where the platform has not kept all keys as they were. */
export function ReplacedSlotsDialog({ slots, onAnswer }: ReplacedSlotsDialogProps) {
  const it = slots.length === 1 && slots[0]?.kind !== 'names' ? 'it' : 'them';
  const own = slots.some(({ kind }) => kind === 'api-key');
  return (
    <Dialog title="Not all of your vault is as you left it" onClose={() => onAnswer(false)}>
      <p>
        For {describeSlots(slots)} the platform has other bytes than your devices stored: its
        storage is damaged, or somebody exchanged them. Ask its operator, who may have a backup.
      </p>
      <p>
        You can open the vault without {it}; your other keys are untouched.
        {own && ' What lets you sign in here is among them.'}
      </p>
      <div className="buttons">
        <button type="button" onClick={() => onAnswer(false)}>
          No, leave it locked
        </button>
        <button type="button" className="primary" onClick={() => onAnswer(true)}>
          Open it without {it}
        </button>
      </div>
    </Dialog>
  );
}
