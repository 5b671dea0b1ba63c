import { useSyncExternalStore } from 'react';
import { useDemo } from './demo-context.js';
import type { StepState } from './flow.js';
import { formatDuration } from './format.js';
import { STEPS } from './steps.js';

function describe({ status, note, duration }: StepState): string {
  const time = duration === undefined ? undefined : formatDuration(duration);
  switch (status) {
    case 'waiting':
      return note ?? '';
    case 'running':
      return note ?? 'now';
    case 'done':
      return [note, time ?? 'done'].filter(Boolean).join(', ');
    case 'skipped':
      return note ?? 'not needed';
    case 'failed':
      return note ?? 'failed';
  }
}

/** The eight steps, each with where it stands. */
export function StepsPanel() {
  const { flow } = useDemo();
  const steps = useSyncExternalStore(flow.subscribe, flow.getSnapshot);
  const running = steps.findIndex(({ status }) => status === 'running');
  const failed = steps.findIndex(({ status }) => status === 'failed');
  const spoken =
    running >= 0
      ? `Step ${running + 1}: ${STEPS[running]?.title}`
      : failed >= 0
        ? `Step ${failed + 1} failed: ${STEPS[failed]?.title}`
        : '';

  return (
    <section className="panel steps" aria-labelledby="steps-title">
      <h2 id="steps-title">The eight steps</h2>
      <p className="visually-hidden" role="status">
        {spoken}
      </p>
      <ol>
        {STEPS.map(({ title, text }, index) => {
          const step = steps[index] ?? { status: 'waiting' };
          return (
            <li
              key={title}
              className={`step step-${step.status}`}
              aria-current={step.status === 'running' ? 'step' : undefined}
            >
              <span className="step-number" aria-hidden="true">
                {step.status === 'done' ? '✓' : step.status === 'failed' ? '!' : index + 1}
              </span>
              <div>
                <p className="step-head">
                  <span className="step-title">{title}</span>
                  <span className="step-state">{describe(step)}</span>
                </p>
                <p className="step-text">{text}</p>
              </div>
            </li>
          );
        })}
      </ol>
    </section>
  );
}
