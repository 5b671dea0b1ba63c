import type { Client, EnrollState, SessionState, SessionStep } from '@pzk-auth/client';
import { createObservable, type Observable } from './observable.js';
import { STEPS, type StepNumber } from './steps.js';

/** Where a step stands. */
export interface StepState {
  readonly status: 'waiting' | 'running' | 'done' | 'skipped' | 'failed';
  /** Milliseconds that it took. */
  readonly duration?: number;
  /** What there is to say about it. */
  readonly note?: string;
}

/** The eight steps as they stand, first one first. */
export type FlowSnapshot = readonly StepState[];

/** Follows the client and shows each of its states as a step. */
export interface Flow extends Observable<FlowSnapshot> {
  /** Runs an action as one of the last two steps; `isDone` judges its result. */
  track<T>(
    step: 7 | 8,
    note: string,
    action: () => Promise<T>,
    isDone: (result: T) => boolean,
  ): Promise<T>;
}

const SESSION_STEPS: Readonly<Record<SessionStep['status'], StepNumber>> = {
  challenge: 2,
  passkey: 3,
  decrypting: 4,
  proving: 5,
  exchanging: 6,
};
const isStep = (state: SessionState): state is SessionStep => state.status in SESSION_STEPS;
const ENROLL_STEPS: Partial<Record<EnrollState['status'], StepNumber>> = {
  challenge: 2,
  'creating-passkey': 3,
  'confirming-passkey': 3,
  sealing: 4,
  proving: 5,
  exchanging: 6,
};
const WAITING: FlowSnapshot = STEPS.map(() => ({ status: 'waiting' }));

/**
 * Creates the flow of a client. It listens to the client itself and not to React, which may join
 * several quick changes into one rendering.
 */
export function createFlow(client: Client): Flow {
  const state = createObservable<FlowSnapshot>(WAITING);
  const startedAt = new Map<StepNumber, number>();
  let running: StepNumber | undefined;

  const set = (step: StepNumber, next: StepState) =>
    state.set(state.getSnapshot().map((one, index) => (index === step - 1 ? next : one)));

  function end(status: 'done' | 'failed' | 'waiting', note?: string): void {
    if (running === undefined) return;
    const duration = performance.now() - (startedAt.get(running) ?? 0);
    set(running, {
      status,
      ...(status === 'done' ? { duration } : {}),
      ...(note === undefined ? {} : { note }),
    });
    running = undefined;
  }

  function begin(step: StepNumber, note?: string): void {
    if (running !== step) {
      end('done');
      running = step;
      startedAt.set(step, performance.now());
    }
    set(step, { status: 'running', ...(note === undefined ? {} : { note }) });
  }

  function restart(enrolling: boolean): void {
    running = undefined;
    state.set(WAITING);
    set(1, enrolling ? { status: 'done' } : { status: 'skipped', note: 'rests in the vault' });
  }

  const percent = (progress: number) => `${Math.round(progress * 100)} %`;

  let enrolling = false;
  client.enrollment.subscribe(() => {
    const enroll = client.enrollment.getSnapshot();
    const step = ENROLL_STEPS[enroll.status];
    if (enroll.status === 'challenge') restart(true);
    enrolling = step !== undefined;
    if (step !== undefined)
      begin(step, enroll.status === 'proving' ? percent(enroll.progress) : undefined);
    else if (enroll.status === 'failed') end('failed', enroll.error.code);
    else if (enroll.status === 'enrolled') end('done');
    else end('waiting');
  });

  client.subscribe(() => {
    // The end of an enrolment makes the session active by itself.
    if (enrolling) return;
    const session = client.getSnapshot();
    const step =
      session.status === 'active' ? session.stepUp : isStep(session) ? session : undefined;
    // Without a proof before it, this is the session of before a reload.
    if (step?.status === 'exchanging' && running === undefined) return begin(8, 'resuming');
    if (step !== undefined) {
      // A renewal beside it shows the same step again.
      if (step.status === 'challenge' && running !== 2) restart(false);
      begin(
        SESSION_STEPS[step.status],
        step.status === 'proving' ? percent(step.progress) : undefined,
      );
    } else if (session.status === 'active') {
      if (session.renewing) begin(8, 'renewing');
      else end('done', running === 8 ? 'renewed' : undefined);
    } else if (session.status === 'failed') end('failed', session.error.code);
    else end('waiting');
  });

  return {
    ...state,
    async track(step, note, action, isDone) {
      const started = performance.now();
      set(step, { status: 'running', note });
      try {
        const result = await action();
        const duration = performance.now() - started;
        set(step, isDone(result) ? { status: 'done', note, duration } : { status: 'failed', note });
        return result;
      } catch (error) {
        set(step, { status: 'failed', note });
        throw error;
      }
    },
  };
}
