import { useEffect, useRef } from 'react';

const TEXT: Readonly<Record<string, string>> = {
  challenge: 'Asking the server for a challenge.',
  passkey: 'Your browser asks for the passkey.',
  'creating-passkey': 'Your browser asks to create a passkey.',
  'confirming-passkey': 'Once more, to see that the passkey gives the same secret again.',
  decrypting: 'Opening the vault on this device.',
  sealing: 'Making your vault.',
  proving: 'Proving to the server that this is you.',
  exchanging: 'Signing you in.',
};

/** A ceremony that runs, for people. */
export interface Running {
  readonly text: string;
  /** 0 to 1, where it is known. */
  readonly progress: number | undefined;
}

/** Says what is going on, and lets the user cancel it. */
export function RunningNotice({ text, progress, onCancel }: Running & { onCancel: () => void }) {
  const cancel = useRef<HTMLButtonElement>(null);
  // The button that was pressed is gone; the focus goes to what can be done now.
  useEffect(() => cancel.current?.focus(), []);
  return (
    <div className="stack">
      <p role="status">{text}</p>
      {progress !== undefined && <progress aria-label="Proof" max={1} value={progress} />}
      <button ref={cancel} type="button" onClick={onCancel}>
        Cancel
      </button>
    </div>
  );
}

/** What runs, if anything does, by the state of a hook. */
RunningNotice.find = (state: { status: string; progress?: number }): Running | undefined => {
  const text = TEXT[state.status];
  return text === undefined ? undefined : { text, progress: state.progress };
};
