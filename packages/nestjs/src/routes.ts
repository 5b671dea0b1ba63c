import type { ServerResponse } from 'node:http';
import { originalUrl, sendResponse, serveRequest, toWebRequest } from '@pzk-auth/verifier/node';
import type { ResolvedOptions } from './pzk.options.js';
import { type HttpRequest, rawRequest } from './raw-request.js';

/** Answers a request for one of our paths. Undefined, with the request untouched, for any other. */
export type Routes = (request: HttpRequest, res: ServerResponse) => Promise<void> | undefined;

function pathOf(target: string): string {
  if (target.startsWith('/')) return target.split(/[?#]/, 1)[0] as string;
  // RFC 9112 section 3.2.2: the absolute form, which any server has to take.
  return URL.canParse(target) ? new URL(target).pathname : '';
}

/** What follows the mount path, which is compared as Express's router does: without regard to case. */
function below(path: string, mount: string): string | undefined {
  if (path.slice(0, mount.length).toLowerCase() !== mount.toLowerCase()) return undefined;
  const rest = path.slice(mount.length);
  if (rest === '') return '/';
  return rest.startsWith('/') ? rest : undefined;
}

/** The endpoints and metadata documents of a verifier, at fixed paths of the origin. */
export function createRoutes({ verifier, path: mount, address }: ResolvedOptions): Routes {
  return (request, res) => {
    const req = rawRequest(request);
    const { method } = req;
    const path = pathOf(originalUrl(req));
    if ((method === 'GET' || method === 'HEAD') && path.startsWith('/.well-known/')) {
      const response = verifier.handleWellKnown(toWebRequest(req));
      if (response !== undefined) return sendResponse(response, req, res);
    }
    const rest = below(path, mount);
    if (rest === undefined) return undefined;
    return serveRequest(verifier, req, res, { path: rest, address: address(request) });
  };
}
