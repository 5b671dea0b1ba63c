import { createRequire } from 'node:module';
import type { Attributes, Span } from '@opentelemetry/api';
import { isPzkError } from '@pzk-auth/protocol';
import type { EventBody } from '../events.js';

type Api = typeof import('@opentelemetry/api');

/**
 * Spans and metrics. Attributes are of a closed set: names of endpoints, stable codes, outcomes. No id, no
 * address, no header, no message of an error: traces go to more people than logs do.
 */
export interface Telemetry {
  /** Runs work in a span; what it throws is recorded by its code. */
  span<T>(
    name: 'pzk.request' | 'pzk.authenticate' | 'pzk.verify_proof',
    attributes: SpanFields,
    work: (span: OpenSpan) => Promise<T>,
  ): Promise<T>;
  /** Counts an event. */
  count(event: EventBody): void;
}

/** What may stand in a span. */
export interface SpanFields {
  readonly endpoint?: string;
  readonly circuit?: string;
}

/** A span while it runs. */
export interface OpenSpan {
  /** For outcomes that are answers, not exceptions. */
  setStatus(status: number): void;
}

const NO_SPAN: OpenSpan = { setStatus: () => {} };

const NONE: Telemetry = {
  span: (_name, _attributes, work) => work(NO_SPAN),
  count: () => {},
};

/**
 * The API where the application has it. Asked for at run time under a name that bundlers do not follow:
 * it is optional, and a build must not fail without it.
 */
function loadApi(): Api | undefined {
  const name = ['@opentelemetry', 'api'].join('/');
  try {
    return createRequire(import.meta.url)(name) as Api;
  } catch {
    return undefined;
  }
}

function codeOf(error: unknown): string {
  return isPzkError(error) ? error.code : 'server_error';
}

/** What is counted of an event: its type and what has few values. */
function countedFields(event: EventBody): Attributes {
  switch (event.type) {
    case 'refused':
      return { 'pzk.endpoint': event.endpoint, 'pzk.code': event.code };
    case 'fault':
      return { 'pzk.endpoint': event.endpoint };
    case 'revoked':
      return { 'pzk.kind': event.kind };
    default:
      return {};
  }
}

/** The instruments of one meter provider. */
function createInstruments(api: Api) {
  const meter = api.metrics.getMeter('@pzk-auth/verifier');
  return {
    provider: api.metrics.getMeterProvider(),
    events: meter.createCounter('pzk.events', {
      description: 'What happened: enrolments, tokens, refusals, uses of plain API keys.',
    }),
    duration: meter.createHistogram('pzk.duration', {
      description: 'How long requests, protected calls and proofs took.',
      unit: 's',
    }),
  };
}

function createActive(api: Api): Telemetry {
  const tracer = api.trace.getTracer('@pzk-auth/verifier');
  let current = createInstruments(api);

  /** Unlike a tracer, a meter stays without a provider if it was made before an SDK registered one. */
  function instruments() {
    if (api.metrics.getMeterProvider() !== current.provider) current = createInstruments(api);
    return current;
  }

  return {
    span(name, { endpoint, circuit }, work) {
      const attributes: Attributes = {
        ...(endpoint === undefined ? {} : { 'pzk.endpoint': endpoint }),
        ...(circuit === undefined ? {} : { 'pzk.circuit': circuit }),
      };
      return tracer.startActiveSpan(name, { attributes }, async (span: Span) => {
        const started = performance.now();
        let outcome = 'ok';
        const open: OpenSpan = {
          setStatus(status) {
            span.setAttribute('http.response.status_code', status);
            if (status >= 400) outcome = String(status);
            if (status >= 500) span.setStatus({ code: api.SpanStatusCode.ERROR });
          },
        };
        try {
          return await work(open);
        } catch (error) {
          outcome = codeOf(error);
          // Not recordException: its message and stack may hold what a store or an application wrote.
          span.setAttribute('pzk.code', outcome);
          span.setStatus({ code: api.SpanStatusCode.ERROR });
          throw error;
        } finally {
          span.end();
          const seconds = (performance.now() - started) / 1000;
          instruments().duration.record(seconds, {
            ...attributes,
            'pzk.operation': name,
            'pzk.outcome': outcome,
          });
        }
      });
    },
    count(event) {
      instruments().events.add(1, { 'pzk.event': event.type, ...countedFields(event) });
    },
  };
}

/** Telemetry through `@opentelemetry/api` where the application has it; else none, at no cost. */
export function createTelemetry(): Telemetry {
  const api = loadApi();
  return api === undefined ? NONE : createActive(api);
}
