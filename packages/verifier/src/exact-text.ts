/** NUL ends a text in C; half of a surrogate pair has no UTF-8. */
const INEXACT = /[\0\p{Surrogate}]/u;

/** Whether every database keeps a text as it is. */
export function isExactText(text: string): boolean {
  return !INEXACT.test(text);
}
