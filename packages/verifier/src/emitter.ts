import { type AuditLog, createAuditLog } from './audit/audit-log.js';
import { auditClasses } from './audit/audit-policy.js';
import type { VerifierConfig } from './config.js';
import type { EventBody } from './events.js';
import { randomId } from './random-id.js';
import type { Stores } from './stores/stores.js';
import type { Telemetry } from './telemetry/telemetry.js';

/** Where events go: telemetry, the application's observer, the audit log. */
export interface Emitter {
  readonly audit: AuditLog | undefined;
  /** Tells observers, and no audit log. */
  notify(event: EventBody): void;
  /** As {@link Engine.emit} says. */
  emit(event: EventBody): Promise<void>;
}

/** What an emitter needs. */
export interface EmitterOptions {
  readonly config: VerifierConfig;
  readonly stores: Pick<Stores, 'audit'>;
  readonly telemetry: Telemetry;
}

/** Creates the emitter of one issuer. */
export function createEmitter({ config, stores, telemetry }: EmitterOptions): Emitter {
  const audit = config.audit
    ? createAuditLog({
        store: stores.audit,
        issuer: config.issuer,
        onFault: (error) => notify({ type: 'fault', endpoint: 'audit', error }),
      })
    : undefined;

  function notify(event: EventBody, at = config.clock()): void {
    // An observer's fault must not change an answer, nor end the process.
    try {
      telemetry.count(event);
      const result: unknown = config.onEvent({ ...event, at });
      if (result instanceof Promise) result.catch(() => {});
    } catch {
      // Nobody is left to tell.
    }
  }

  async function store(event: EventBody): Promise<void> {
    const at = config.clock();
    const kind = auditClasses[event.type];
    const strict = kind === 'strict' && audit !== undefined;
    if (!strict) notify(event, at);
    if (kind !== 'never') {
      const body = JSON.stringify({ id: randomId(), ...event });
      const account = 'account' in event ? event.account : undefined;
      await audit?.add({ at, body, account }, kind);
    }
    if (strict) notify(event, at);
  }

  return {
    audit,
    notify,
    emit(event) {
      const stored = store(event);
      // Where nobody waits for it, a failure has been told as a fault.
      stored.catch(() => {});
      return stored;
    },
  };
}
