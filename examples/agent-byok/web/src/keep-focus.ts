import { useLayoutEffect } from 'react';

/** Where what had the focus is gone, as the button of a row that was removed, the page's title takes it. */
export function keepFocus(): void {
  if (document.activeElement !== document.body) return;
  document.querySelector<HTMLElement>('main h1')?.focus({ preventScroll: true });
}

/** Keeps the focus in the page where it comes or goes, with its buttons or in place of others. */
export function KeepFocus(): null {
  useLayoutEffect(() => {
    queueMicrotask(keepFocus);
    return () => queueMicrotask(keepFocus);
  }, []);
  return null;
}
