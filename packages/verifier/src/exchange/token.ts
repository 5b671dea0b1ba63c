import {
  PROOF_GRANT,
  parseMessage,
  proofGrantSchema,
  RENEW_GRANT,
  renewGrantSchema,
  type TokenResponse,
} from '@pzk-auth/protocol';
import { readForm } from '../http/read-body.js';
import { refusal } from '../refuse.js';
import type { Engine, RequestContext } from './engine.js';
import { assertAddressBudget } from './proof-check.js';
import { grantByProof } from './proof-grant.js';
import { grantByRenewal } from './renew-grant.js';

/** `POST {base}/token` (RFC 6749 section 3.2, extension grants of section 4.5). */
export async function requestToken(
  engine: Engine,
  request: Request,
  context: RequestContext,
): Promise<TokenResponse> {
  const form = await readForm(request);
  switch (form.grant_type) {
    case PROOF_GRANT: {
      const grant = parseMessage(proofGrantSchema, form);
      await assertAddressBudget(engine, context);
      return grantByProof(engine, request, grant);
    }
    case RENEW_GRANT: {
      const grant = parseMessage(renewGrantSchema, form);
      await assertAddressBudget(engine, context);
      return grantByRenewal(engine, request, grant);
    }
    case undefined:
      throw refusal('invalid_request', 'No grant type.');
    default:
      throw refusal('unsupported_grant_type', 'Unknown grant type.');
  }
}
