import type { UseEnroll } from '@pzk-auth/react-hooks';
import { type FormEvent, useRef } from 'react';

/** Takes the API key, once. The key stays in its field, which is emptied: never in React's state. */
export function KeyForm({ enroll, busy }: { enroll: UseEnroll; busy: boolean }) {
  const field = useRef<HTMLInputElement>(null);

  function submit(event: FormEvent) {
    event.preventDefault();
    const input = field.current;
    if (input === null || busy) return;
    const apiKey = input.value;
    input.value = '';
    enroll.reset();
    void enroll.enroll({ apiKey, user: { name: 'weather-desk', displayName: 'Weather desk' } });
  }

  return (
    <form onSubmit={submit} className="stack">
      <h3>First time on this device</h3>
      <p>
        <label htmlFor="api-key">API key</label>
        <input
          ref={field}
          id="api-key"
          type="password"
          required
          autoComplete="off"
          spellCheck={false}
          placeholder="pzk_…"
          aria-describedby="api-key-hint"
        />
      </p>
      <p id="api-key-hint" className="hint">
        The terminal shows it. A passkey is made for it next.
      </p>
      <button type="submit" className="primary" disabled={busy}>
        Enrol this device
      </button>
    </form>
  );
}
