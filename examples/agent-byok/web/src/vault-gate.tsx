import { useVault } from '@pzk-auth/react-hooks';
import { createContext, type ReactNode, useCallback, useContext, useMemo, useState } from 'react';
import { ChangesNotice } from './changes-notice.js';
import { CompareNotice } from './compare-notice.js';
import { ErrorNotice } from './error-notice.js';
import { type Failure, failureOf } from './failure.js';
import { KeepFocus } from './keep-focus.js';
import { ResetNotice } from './reset-notice.js';
import { useVaultQuestions } from './vault-questions.js';

/** Opens the vault. */
export interface VaultOpener {
  /** Resolves to whether it is open. */
  readonly open: () => Promise<boolean>;
  readonly failure: Failure | undefined;
}

const OpenerContext = createContext<VaultOpener | undefined>(undefined);

/** The way to open the vault. */
export function useVaultOpener(): VaultOpener {
  const opener = useContext(OpenerContext);
  if (opener === undefined) throw new TypeError('There is no <VaultOpenerProvider> above.');
  return opener;
}

/** Lets everything below open the vault. */
export function VaultOpenerProvider({ children }: { children: ReactNode }) {
  const { open: openVault } = useVault();
  const [failure, setFailure] = useState<Failure>();
  const questions = useVaultQuestions();

  const open = useCallback(async () => {
    setFailure(undefined);
    const ended = await openVault(questions);
    setFailure(failureOf(ended));
    return ended.status === 'open';
  }, [openVault, questions]);

  const opener = useMemo(() => ({ open, failure }), [open, failure]);
  return <OpenerContext value={opener}>{children}</OpenerContext>;
}

/** What shows in place of what needs an open vault. */
export function VaultGate({ children, why }: { children: ReactNode; why: string }) {
  const vault = useVault();
  const { open, failure } = useVaultOpener();
  if (vault.status === 'open') {
    return (
      <>
        <ResetNotice />
        <CompareNotice />
        <ChangesNotice />
        {children}
      </>
    );
  }
  return (
    <div className="empty">
      <KeepFocus />
      <h2>Your vault is locked</h2>
      <p className="hint">{why} One touch of your passkey opens it here for five minutes.</p>
      {failure !== undefined && (
        <ErrorNotice title="The vault was not opened" error={failure.error} />
      )}
      {vault.status === 'opening' ? (
        <>
          <p role="status">Your browser asks for the passkey.</p>
          <button type="button" onClick={vault.abort}>
            Cancel
          </button>
        </>
      ) : (
        <button type="button" className="primary" onClick={() => void open()}>
          Open the vault
        </button>
      )}
    </div>
  );
}
