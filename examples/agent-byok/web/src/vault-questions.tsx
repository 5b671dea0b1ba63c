import type {
  ApproveReplacedSlots,
  ApproveRollback,
  ApproveSuccession,
  ReplacedSlot,
  RollbackReview,
  SuccessionReview,
} from '@pzk-auth/react-hooks';
import { createContext, type ReactNode, useContext, useMemo, useState } from 'react';
import { ReplacedSlotsDialog } from './replaced-slots-dialog.js';
import { RollbackDialog } from './rollback-dialog.js';
import { SuccessionDialog } from './succession-dialog.js';

/** What only the user can say while a vault is opened. */
export interface VaultQuestions {
  /** Whether the vault's new keys are to be trusted. */
  readonly approveSuccession: ApproveSuccession;
  /** Whether the vault is to be opened without keys that the platform has not kept as they were. */
  readonly approveReplacedSlots: ApproveReplacedSlots;
  /** Whether to go on with an older state of the vault than this browser remembers. */
  readonly approveRollback: ApproveRollback;
}

const QuestionsContext = createContext<VaultQuestions | undefined>(undefined);

/** The questions, for everything that may open the vault: the start of a session, too. */
export function useVaultQuestions(): VaultQuestions {
  const questions = useContext(QuestionsContext);
  if (questions === undefined) throw new TypeError('There is no <VaultQuestionsProvider> above.');
  return questions;
}

type Question = { readonly answer: (yes: boolean) => void } & (
  | { readonly review: SuccessionReview }
  | { readonly replaced: readonly ReplacedSlot[] }
  | { readonly rollback: RollbackReview }
);

/** Shows the questions above everything, whichever part of the page has asked. */
export function VaultQuestionsProvider({ children }: { children: ReactNode }) {
  const [question, setQuestion] = useState<Question>();
  const questions = useMemo<VaultQuestions>(() => {
    const ask = (show: (answer: Question['answer']) => Question) =>
      new Promise<boolean>((resolve) => {
        const answer = (yes: boolean) => {
          setQuestion(undefined);
          resolve(yes);
        };
        setQuestion(show(answer));
      });
    return {
      approveSuccession: (review) => ask((answer) => ({ review, answer })),
      approveReplacedSlots: (replaced) => ask((answer) => ({ replaced, answer })),
      approveRollback: (rollback) => ask((answer) => ({ rollback, answer })),
    };
  }, []);
  const content = useMemo(
    () => <QuestionsContext value={questions}>{children}</QuestionsContext>,
    [questions, children],
  );
  return (
    <>
      {content}
      {question !== undefined && 'review' in question && (
        <SuccessionDialog review={question.review} onAnswer={question.answer} />
      )}
      {question !== undefined && 'replaced' in question && (
        <ReplacedSlotsDialog slots={question.replaced} onAnswer={question.answer} />
      )}
      {question !== undefined && 'rollback' in question && (
        <RollbackDialog review={question.rollback} onAnswer={question.answer} />
      )}
    </>
  );
}
