import { type ReactNode, useEffect, useId, useLayoutEffect, useRef } from 'react';
import { keepFocus } from './keep-focus.js';

/** Props of {@link Dialog}. */
export interface DialogProps {
  readonly title: string;
  readonly children: ReactNode;
  /** Called when the user leaves it by the Escape key. */
  readonly onClose: () => void;
}

/** A modal dialog: the browser's own, which keeps the focus inside and gives it back. */
export function Dialog({ title, children, onClose }: DialogProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  const heading = useRef<HTMLHeadingElement>(null);
  const id = useId();
  // In the layout phase: a dialog that has left the document gives no focus back.
  useLayoutEffect(() => {
    const element = dialog.current;
    element?.showModal();
    return () => {
      element?.close();
      queueMicrotask(keepFocus);
    };
  }, []);
  // The next step of a dialog has other buttons than the one that was pressed.
  // biome-ignore lint/correctness/useExhaustiveDependencies: a step has a title of its own
  useEffect(() => {
    if (dialog.current?.contains(document.activeElement) === false) heading.current?.focus();
  }, [title]);
  return (
    <dialog
      ref={dialog}
      aria-labelledby={id}
      onCancel={(event) => {
        event.preventDefault();
        onClose();
      }}
    >
      <div className="stack">
        <h2 id={id} ref={heading} tabIndex={-1}>
          {title}
        </h2>
        {children}
      </div>
    </dialog>
  );
}
