import type { SuccessionReview } from '@pzk-auth/react-hooks';
import { useVault } from '@pzk-auth/react-hooks';
import { createContext, type ReactNode, useCallback, useContext, useState } from 'react';
import { ErrorNotice } from './error-notice.js';
import { type Failure, failureOf } from './failure.js';
import { SuccessionDialog } from './succession-dialog.js';

/** Opens the vault, asking the user where another device has changed its keys. */
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

interface Question {
  readonly review: SuccessionReview;
  readonly answer: (yes: boolean) => void;
}

/** Lets everything below open the vault. */
export function VaultOpenerProvider({ children }: { children: ReactNode }) {
  const { open: openVault } = useVault();
  const [failure, setFailure] = useState<Failure>();
  const [question, setQuestion] = useState<Question>();

  const open = useCallback(async () => {
    setFailure(undefined);
    const ended = await openVault({
      approveSuccession: (review) =>
        new Promise<boolean>((resolve) => {
          setQuestion({
            review,
            answer: (yes) => {
              setQuestion(undefined);
              resolve(yes);
            },
          });
        }),
    });
    setFailure(failureOf(ended));
    return ended.status === 'open';
  }, [openVault]);

  return (
    <OpenerContext value={{ open, failure }}>
      {children}
      {question !== undefined && (
        <SuccessionDialog review={question.review} onAnswer={question.answer} />
      )}
    </OpenerContext>
  );
}

/** What shows in place of what needs an open vault. */
export function VaultGate({ children, why }: { children: ReactNode; why: string }) {
  const vault = useVault();
  const { open, failure } = useVaultOpener();
  if (vault.status === 'open') return children;
  return (
    <div className="empty">
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
