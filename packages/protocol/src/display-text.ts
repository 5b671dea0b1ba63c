/** Controls, line and paragraph separators, marks and isolates that reorder text, lone surrogates. */
const REFUSED = /[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}\p{Cs}\ufeff]/u;
const OUTER_SPACE = /^\p{White_Space}|\p{White_Space}$/u;

/**
 * Whether a text may be shown to people as a name or a reason: it neither steers a terminal nor turns
 * the order of what stands beside it, and does not look shorter than it is at its ends.
 *
 * @param minimum - Unicode characters (code points), as for `maximum`.
 */
export function isDisplayText(text: string, minimum: number, maximum: number): boolean {
  // No character has more than two code units: nothing long is taken apart.
  if (text.length > 2 * maximum) return false;
  const length = [...text].length;
  if (length < minimum || length > maximum) return false;
  return !REFUSED.test(text) && !OUTER_SPACE.test(text);
}
