import { useState, useSyncExternalStore } from 'react';
import { useDemo } from './demo-context.js';
import type { StoredTables } from './use-stored.js';

function countIn(texts: readonly string[], part: string): number {
  return texts.reduce((sum, text) => sum + text.split(part).length - 1, 0);
}

/** Looks for a text in everything that was sent and stored, so that nobody has to believe it. */
export function SearchPanel({ tables }: { tables: StoredTables | undefined }) {
  const { wire } = useDemo();
  const { messages } = useSyncExternalStore(wire.subscribe, wire.getSnapshot);
  const [part, setPart] = useState('');
  const wanted = part.trim();
  const sent = messages.flatMap(({ path, requestHeaders, requestBody, responseBody }) => [
    path,
    ...Object.values(requestHeaders),
    requestBody,
    responseBody,
  ]);
  const found =
    wanted.length < 4
      ? undefined
      : { sent: countIn(sent, wanted), stored: countIn([JSON.stringify(tables ?? {})], wanted) };

  return (
    <section className="panel" aria-labelledby="search-title">
      <h2 id="search-title">Look for the key yourself</h2>
      <div className="stack">
        <p>
          <label htmlFor="search">Some characters of your key</label>
          <input
            id="search"
            type="text"
            value={part}
            autoComplete="off"
            spellCheck={false}
            aria-describedby="search-result"
            onChange={(event) => setPart(event.target.value)}
          />
        </p>
        <p id="search-result" className="hint" aria-live="polite">
          {found === undefined
            ? 'Four characters at least, not the prefix alone.'
            : `Found ${found.sent} times in what was sent and received, ${found.stored} times in what is stored.`}
        </p>
      </div>
    </section>
  );
}
