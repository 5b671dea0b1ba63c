import { type RotationStep, useLostVault, useVault } from '@pzk-auth/react-hooks';
import { useState } from 'react';
import { ErrorNotice } from './error-notice.js';
import { type Failure, failureOf } from './failure.js';
import { formatDay } from './format.js';
import { AddDialog } from './secret-dialogs.js';

/** Where a key may have to be rotated. */
function StepRow({ step, onAdd }: { step: RotationStep; onAdd: (() => void) | undefined }) {
  const { provider, host, replaced } = step;
  const title = provider.id === 'generic' && host !== undefined ? host : provider.name;
  return (
    <li className="row">
      <div className="row-text">
        <p className="row-title">
          {title}
          {host !== undefined && <span className="tag">Used by an agent</span>}
          {replaced && <span className="tag tag-good">New key in the vault</span>}
        </p>
        <p className="hint small">
          {provider.rotateUrl === undefined ? (
            'Delete the old key there, and make a new one.'
          ) : (
            <>
              Delete the old key at{' '}
              <a href={provider.rotateUrl} target="_blank" rel="noreferrer">
                {new URL(provider.rotateUrl).hostname}
              </a>
              , and make a new one.
            </>
          )}
        </p>
      </div>
      {onAdd !== undefined && !replaced && (
        <button type="button" aria-label={`Add the new key of ${title}`} onClick={onAdd}>
          Add the new key
        </button>
      )}
    </li>
  );
}

/** Leads through rotating the keys that were lost with a vault. */
export function LostKeys() {
  const lost = useLostVault();
  const vault = useVault();
  const [adding, setAdding] = useState<string>();
  const [failure, setFailure] = useState<Failure>();
  if (lost.status !== 'lost') return null;
  const isOpen = vault.status === 'open';
  return (
    <section className="card stack" aria-label="Keys of your lost vault">
      <h2>Rotate the keys of your lost vault</h2>
      <p>
        Your vault was replaced on {formatDay(lost.at)}. The keys in it are gone here, but they go
        on working at their providers, and whoever has your old devices may have them. Nobody knows
        which they were: go through the list.
      </p>
      {!isOpen && <p className="hint small">Open the vault to put the new keys in.</p>}
      <ul className="rows" aria-label="Providers">
        {lost.steps.map((step) => (
          <StepRow
            key={step.host ?? step.provider.id}
            step={step}
            onAdd={isOpen ? () => setAdding(step.provider.id) : undefined}
          />
        ))}
      </ul>
      {failure !== undefined && <ErrorNotice title="It was not noted" error={failure.error} />}
      <div className="buttons">
        <button
          type="button"
          onClick={() => void lost.settle().then((ended) => setFailure(failureOf(ended)))}
        >
          All old keys are deleted
        </button>
      </div>
      {adding !== undefined && <AddDialog provider={adding} onClose={() => setAdding(undefined)} />}
    </section>
  );
}
