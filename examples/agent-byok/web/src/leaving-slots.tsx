import type { VaultSlot } from '@pzk-auth/react-hooks';
import { describeSlots } from './describe-slots.js';

/** Props of {@link LeavingSlots}. */
export interface LeavingSlotsProps {
  readonly slots: readonly VaultSlot[];
  readonly isAgreed: boolean;
  readonly onAgree: (isAgreed: boolean) => void;
}

/** Says which keys are lost when the keys of the vault change, and asks where a backup may have them. */
export function LeavingSlots({ slots, isAgreed, onAgree }: LeavingSlotsProps) {
  const replaced = slots.filter(({ damaged }) => damaged === 'replaced');
  const only = replaced.length === 1 && replaced[0]?.kind !== 'names';
  const own = slots.some(({ kind }) => kind === 'api-key');
  return (
    <div className="notice notice-bad">
      <p className="notice-title">
        {describeSlots(slots)} cannot be read, and will be lost for good
      </p>
      <p>
        What does not open cannot be encrypted for the new keys of your vault.
        {own && ' What lets you sign in here is among it.'}
      </p>
      {replaced.length > 0 && (
        <>
          <p>
            For {describeSlots(replaced)} the platform has other bytes than your devices stored. Ask
            its operator first: a backup that comes later opens no more.
          </p>
          <label className="choice">
            <input
              type="checkbox"
              checked={isAgreed}
              onChange={(event) => onAgree(event.target.checked)}
            />
            Let {only ? 'it' : 'them'} go
          </label>
        </>
      )}
    </div>
  );
}
