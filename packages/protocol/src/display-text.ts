/** Controls, line and paragraph separators, marks and isolates that reorder text, lone surrogates. */
const REFUSED = /[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}\p{Cs}\ufeff]/u;
const OUTER_SPACE = /^\p{White_Space}|\p{White_Space}$/u;
/** What nobody sees: joiners and selectors have their place in many scripts, but between what is seen. */
const UNSEEN = /\p{Default_Ignorable_Code_Point}/gu;
/** The braille pattern without a dot is blank, too. */
const VISIBLE = /[^\p{White_Space}\p{M}\u2800]/u;
/** Marks on what stands before, or so many that they cover the lines above and below. */
const PILED = /^\p{M}|[\p{Mn}\p{Me}]{5}/u;

/**
 * Whether a text may be shown to people as a name or a reason: it neither steers a terminal nor turns
 * the order of what stands beside it nor covers that, does not look shorter than it is at its ends, and is to
 * be seen unless it is empty.
 *
 * @param minimum - Unicode characters (code points), as for `maximum`.
 */
export function isDisplayText(text: string, minimum: number, maximum: number): boolean {
  // No character has more than two code units: nothing long is taken apart.
  if (text.length > 2 * maximum) return false;
  const length = [...text].length;
  if (length < minimum || length > maximum) return false;
  if (REFUSED.test(text) || OUTER_SPACE.test(text)) return false;
  const seen = text.replace(UNSEEN, '');
  return (text === '' || VISIBLE.test(seen)) && !PILED.test(seen);
}
