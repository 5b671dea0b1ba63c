import { useState } from 'react';

/** Copies a text, and says so. */
export function CopyButton({ label, text }: { label: string; text: string }) {
  const [copied, setCopied] = useState<string>();
  return (
    <div className="buttons">
      <button
        type="button"
        onClick={() =>
          void navigator.clipboard.writeText(text).then(
            () => setCopied(text),
            () => setCopied(undefined),
          )
        }
      >
        {label}
      </button>
      <span role="status" className="hint small">
        {copied === text && 'Copied.'}
      </span>
    </div>
  );
}
