/** What one check found. */
export interface Finding {
  /** Stable, for scripts, e.g. `clock.database`. */
  readonly check: string;
  /** `warning`: it works, and should be better. `skipped`: another finding stands before it. */
  readonly status: 'ok' | 'warning' | 'failed' | 'skipped';
  readonly message: string;
  /** What to do about it. */
  readonly hint?: string;
}

export const ok = (check: string, message: string): Finding => ({ check, status: 'ok', message });

export const skipped = (check: string, message: string): Finding => {
  return { check, status: 'skipped', message };
};

export const warning = (check: string, message: string, hint: string): Finding => {
  return { check, status: 'warning', message, hint };
};

export const failed = (check: string, message: string, hint: string): Finding => {
  return { check, status: 'failed', message, hint };
};
