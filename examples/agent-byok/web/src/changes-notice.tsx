import { useVault } from '@pzk-auth/react-hooks';
import { RosterChangesList } from './roster-changes.js';

/** Says who came, went or was renamed since this device showed the vault last. */
export function ChangesNotice() {
  const vault = useVault();
  if (vault.status !== 'open' || vault.changes === undefined) return null;
  return (
    <div className="notice notice-ask" role="status">
      <p className="notice-title">Changed since you last opened your vault here</p>
      <RosterChangesList changes={vault.changes} />
      <p className="hint small">
        Another of your devices did this. If it was not you, take out what does not belong.
      </p>
    </div>
  );
}
