/** How long an expired invitation or pairing is kept, so that both sides can still be told. Milliseconds. */
export const KEPT_AFTER_EXPIRY = 86_400_000;
