import { type CanActivate, type ExecutionContext, Inject, Injectable } from '@nestjs/common';
import type { Verifier } from '@pzk-auth/verifier';
import { accessOf } from './access.js';
import { PzkException } from './pzk.exception.js';
import { PzkService } from './pzk.service.js';
import { type HttpRequest, rawRequest } from './raw-request.js';
import { addLink, type HttpResponse, setHeader } from './raw-response.js';

/** The route that a request was let through to, and by whom, by the request. */
const passed = new WeakMap<
  object,
  { readonly handler: object; readonly controller: object; readonly verifier: Verifier }
>();

function setHeaders(response: HttpResponse, headers: Readonly<Record<string, string>>): void {
  for (const [name, value] of Object.entries(headers)) {
    if (name === 'link') addLink(response, value);
    // The type of the problem's body, which may not be the one that is sent.
    else if (name !== 'content-type') setHeader(response, name, value);
  }
}

/**
 * Lets a call pass that carries a token and its DPoP proof, and meets what `@Protect()` demands. As
 * `APP_GUARD` it protects every route that is not `@Public()`. It guards HTTP only: a proof is made for
 * one HTTP request, so handlers of any other kind are refused unless they are public.
 */
@Injectable()
export class PzkGuard implements CanActivate {
  readonly #pzk: PzkService;

  /** Made by Nest. */
  constructor(@Inject(PzkService) pzk: PzkService) {
    this.#pzk = pzk;
  }

  /** @throws PzkException for a call that is refused; Error for a handler that is not HTTP's. */
  async canActivate(context: ExecutionContext): Promise<boolean> {
    const handler = context.getHandler();
    const controller = context.getClass();
    const access = accessOf(handler, controller);
    if (access.kind === 'public') return true;
    const type = context.getType<string>();
    if (type !== 'http') {
      throw new Error(
        `${controller.name}.${handler.name}: PzkGuard guards HTTP routes, and this is ${type}. Mark it ` +
          '@Public() and authenticate by other means.',
      );
    }
    const http = context.switchToHttp();
    const request = http.getRequest<HttpRequest>();
    const raw = rawRequest(request);
    // Guards of class, method and application may all be this one, and a proof is good for one check.
    const before = passed.get(raw);
    const { verifier } = this.#pzk;
    if (
      before?.handler === handler &&
      before.controller === controller &&
      // What one issuer let through another has not seen.
      before.verifier === verifier
    ) {
      return true;
    }
    const response = http.getResponse<HttpResponse>();
    try {
      const caller = await this.#pzk.authenticate(request, access.demands);
      setHeaders(response, verifier.answerHeaders(caller));
    } catch (error) {
      // Now already: a filter of the application that answers the exception sends them too.
      if (error instanceof PzkException) setHeaders(response, error.headers);
      throw error;
    }
    passed.set(raw, { handler, controller, verifier });
    return true;
  }

  /** Whether this guard asks the service given. */
  asks(pzk: PzkService): boolean {
    return this.#pzk === pzk;
  }
}
