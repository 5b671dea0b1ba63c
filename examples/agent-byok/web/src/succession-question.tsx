import type { SuccessionReview } from '@pzk-auth/react-hooks';
import { createContext, type ReactNode, useCallback, useContext, useMemo, useState } from 'react';
import { SuccessionDialog } from './succession-dialog.js';

/** Asks the user whether the vault's new keys are to be trusted; see `approveSuccession`. */
export type AskSuccession = (review: SuccessionReview) => Promise<boolean>;

const AskContext = createContext<AskSuccession | undefined>(undefined);

/** The question, for everything that may open the vault: the start of a session, too. */
export function useSuccessionQuestion(): AskSuccession {
  const ask = useContext(AskContext);
  if (ask === undefined) throw new TypeError('There is no <SuccessionQuestion> above.');
  return ask;
}

interface Question {
  readonly review: SuccessionReview;
  readonly answer: (yes: boolean) => void;
}

/** Shows the question above everything, whichever part of the page has asked. */
export function SuccessionQuestion({ children }: { children: ReactNode }) {
  const [question, setQuestion] = useState<Question>();
  const ask = useCallback<AskSuccession>(
    (review) =>
      new Promise((resolve) => {
        setQuestion({
          review,
          answer: (yes) => {
            setQuestion(undefined);
            resolve(yes);
          },
        });
      }),
    [],
  );
  const content = useMemo(() => <AskContext value={ask}>{children}</AskContext>, [ask, children]);
  return (
    <>
      {content}
      {question !== undefined && (
        <SuccessionDialog review={question.review} onAnswer={question.answer} />
      )}
    </>
  );
}
