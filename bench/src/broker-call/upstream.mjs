// The service of somebody else: answers with JSON, or with a stream of events as a model's words come.
import { readFileSync } from 'node:fs';
import { createServer } from 'node:https';
import { readStart, serveParent } from '../lib/child.mjs';

const { key, cert, json, events } = readStart();
const data = `data: ${JSON.stringify({ type: 'content_block_delta', delta: { text: 'some words' } })}\n\n`;

const server = createServer({ key: readFileSync(key), cert: readFileSync(cert) }, (req, res) => {
  req.resume().on('end', () => {
    if (req.url === '/json') {
      res.setHeader('content-type', 'application/json');
      res.end(json);
      return;
    }
    res.setHeader('content-type', 'text/event-stream');
    let left = events;
    const next = () => {
      res.write(data);
      if (--left > 0) setImmediate(next);
      else res.end();
    };
    next();
  });
});
server.listen(0, '127.0.0.1', () => {
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
  serveParent({ port }, () => undefined);
});
