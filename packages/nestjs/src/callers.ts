import type { IncomingMessage } from 'node:http';
import type { PzkCaller, PzkSession } from '@pzk-auth/verifier';
import { type HttpRequest, rawRequest } from './raw-request.js';

/** Not a property of the request: what somebody else merges into a request is no session. */
const callers = new WeakMap<IncomingMessage, PzkCaller>();

export function keepCaller(request: HttpRequest, caller: PzkCaller): void {
  callers.set(rawRequest(request), caller);
}

export function callerOf(request: HttpRequest): PzkCaller | undefined {
  return callers.get(rawRequest(request));
}

export function sessionOf(request: HttpRequest): PzkSession | undefined {
  const caller = callerOf(request);
  return caller?.kind === 'session' ? caller : undefined;
}
