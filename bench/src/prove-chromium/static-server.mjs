import { createServer } from 'node:http';
import { promisify } from 'node:util';
import { brotliCompress, constants } from 'node:zlib';

const compress = promisify(brotliCompress);

const TYPES = new Map([
  ['html', 'text/html; charset=utf-8'],
  ['js', 'text/javascript; charset=utf-8'],
  ['wasm', 'application/wasm'],
]);

/** The policy that both pages get: no eval but that of WebAssembly, workers of their own origin. */
const POLICY = "script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'";

/**
 * @typedef {object} StaticServer
 * @property {string} url
 * @property {() => number} bytesSent - by now, to all visitors: bodies as compressed, and headers
 * @property {() => void} close
 */

/**
 * Serves files from memory, compressed once with brotli at its best, as a host of static files would.
 *
 * @param {ReadonlyMap<string, Uint8Array>} files - by path; `/index.html` also as `/`
 * @returns {Promise<StaticServer>}
 */
export async function startStaticServer(files) {
  /** @type {Map<string, { type: string, body: Uint8Array }>} */
  const answers = new Map();
  await Promise.all(
    [...files].map(async ([path, content]) => {
      const body = await compress(content, {
        params: {
          [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY,
          [constants.BROTLI_PARAM_SIZE_HINT]: content.length,
        },
      });
      const type = TYPES.get(path.split('.').at(-1) ?? '') ?? 'application/octet-stream';
      answers.set(path === '/index.html' ? '/' : path, { type, body });
    }),
  );
  const server = createServer((request, response) => {
    const answer = answers.get(request.url ?? '');
    if (answer === undefined || !/\bbr\b/.test(String(request.headers['accept-encoding']))) {
      response.writeHead(404).end();
      return;
    }
    response.writeHead(200, {
      'content-type': answer.type,
      'content-encoding': 'br',
      'content-length': answer.body.length,
      'content-security-policy': POLICY,
      'cache-control': 'public, max-age=31536000, immutable',
    });
    response.end(answer.body);
  });
  /** @type {import('node:net').Socket[]} */
  const sockets = [];
  server.on('connection', (socket) => sockets.push(socket));
  await new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(undefined)));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('The server has no port.');
  return {
    url: `http://localhost:${address.port}/`,
    bytesSent: () => sockets.reduce((sum, socket) => sum + socket.bytesWritten, 0),
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}
