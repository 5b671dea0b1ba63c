/** Where what had the focus is gone, as the button of a row that was removed, the page's title takes it. */
export function keepFocus(): void {
  if (document.activeElement !== document.body) return;
  document.querySelector<HTMLElement>('main h1')?.focus();
}
