import { connect } from 'node:net';

/**
 * An answer.
 *
 * @typedef {{ readonly status: number, readonly body: Buffer }} Answer
 */

/**
 * One keep-alive connection with one request at a time: as thin as it can be, so that it loads a
 * server more than itself.
 */
export class HttpConnection {
  #socket;
  /** @type {Buffer} */
  #received = Buffer.alloc(0);
  /** @type {{ resolve: (answer: Answer) => void, reject: (error: Error) => void } | undefined} */
  #pending;

  /** @param {number} port - on localhost */
  constructor(port) {
    this.#socket = connect({ port, host: '127.0.0.1', noDelay: true });
    this.#socket.on('data', (chunk) => this.#receive(chunk));
    this.#socket.on('error', (error) => this.#pending?.reject(error));
    this.#socket.on('close', () => this.#pending?.reject(new Error('The server hung up.')));
  }

  /**
   * Sends a whole request.
   *
   * @param {string} request
   * @returns {Promise<Answer>}
   */
  send(request) {
    return new Promise((resolve, reject) => {
      this.#pending = { resolve, reject };
      this.#socket.write(request, 'latin1');
    });
  }

  close() {
    this.#pending = undefined;
    this.#socket.destroy();
  }

  /** @param {Buffer} chunk */
  #receive(chunk) {
    const data = this.#received.length === 0 ? chunk : Buffer.concat([this.#received, chunk]);
    this.#received = data;
    const headEnd = data.indexOf('\r\n\r\n');
    if (headEnd < 0) return;
    const head = data.toString('latin1', 0, headEnd);
    const length = /\r\ncontent-length: (\d+)/i.exec(head)?.[1];
    if (length === undefined) {
      this.#pending?.reject(new Error('The answer has no Content-Length.'));
      return;
    }
    const end = headEnd + 4 + Number(length);
    if (data.length < end) return;
    this.#received = data.subarray(end);
    this.#pending?.resolve({
      status: Number(head.slice(9, 12)),
      body: data.subarray(headEnd + 4, end),
    });
  }
}

/**
 * @param {object} request
 * @param {string} request.method
 * @param {number} request.port
 * @param {string} request.path
 * @param {Readonly<Record<string, string>>} request.headers
 * @param {string} [request.body] - ASCII
 */
export function formatRequest({ method, port, path, headers, body = '' }) {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  const length = method === 'GET' ? '' : `content-length: ${body.length}\r\n`;
  return `${method} ${path} HTTP/1.1\r\nhost: localhost:${port}\r\n${lines.join('')}${length}\r\n${body}`;
}
