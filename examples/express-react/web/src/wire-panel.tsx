import { useSyncExternalStore } from 'react';
import { useDemo } from './demo-context.js';
import { formatBody, formatBytes, formatDuration, shorten, shortenPath } from './format.js';
import type { WireMessage } from './wire-log.js';

function Body({ title, text }: { title: string; text: string }) {
  if (text === '') return null;
  return (
    <>
      <h3>{title}</h3>
      <pre>{text}</pre>
    </>
  );
}

function Message({ message }: { message: WireMessage }) {
  const { method, path, status, sent, received, duration } = message;
  const headers = Object.entries(message.requestHeaders)
    .map(([name, value]) => `${name}: ${shorten(value)}`)
    .join('\n');
  return (
    <li>
      <details className="message">
        <summary>
          <span className="message-call">
            {method} <span className="message-path">{shortenPath(path)}</span>
          </span>
          <span className={status < 400 ? 'message-status' : 'message-status refused'}>
            {status}
          </span>
          <span className="message-size">
            {formatBytes(sent)} out, {formatBytes(received)} in, {formatDuration(duration)}
          </span>
        </summary>
        <Body title="Request headers" text={headers} />
        <Body title="Request body" text={formatBody(message.requestBody)} />
        <Body title="Answer" text={formatBody(message.responseBody)} />
      </details>
    </li>
  );
}

/** Everything that this page sent and received. */
export function WirePanel() {
  const { wire } = useDemo();
  const { messages } = useSyncExternalStore(wire.subscribe, wire.getSnapshot);
  const sent = messages.reduce((sum, message) => sum + message.sent, 0);
  return (
    <section className="panel" aria-labelledby="wire-title">
      <h2 id="wire-title">What went over the wire</h2>
      {messages.length === 0 ? (
        <p className="hint">Nothing yet.</p>
      ) : (
        <div className="stack">
          <p className="hint">
            {messages.length} {messages.length === 1 ? 'request' : 'requests'}, {formatBytes(sent)}{' '}
            of bodies sent. Open one to read it: the bodies and the headers that authenticate, long
            values cut for reading.
          </p>
          <ol className="messages">
            {messages.map((message) => (
              <Message key={message.id} message={message} />
            ))}
          </ol>
          <p>
            <button type="button" onClick={wire.clear}>
              Clear the list
            </button>
          </p>
        </div>
      )}
    </section>
  );
}
