import { connect } from 'node:net';

/** As long as a busy machine may need. */
const ANSWER_MS = 30_000;
/** After an answer: whether another one follows. */
const SILENCE_MS = 200;

function isComplete(answer: string): boolean {
  const [head = '', ...rest] = answer.split('\r\n\r\n');
  if (rest.length === 0) return false;
  const body = rest.join('\r\n\r\n');
  const length = /^content-length: (\d+)$/im.exec(head)?.[1];
  return length === undefined ? body.endsWith('0\r\n\r\n') : body.length >= Number(length);
}

/** Writes bytes to a Unix socket and reads until the answer is complete, or the other side gone. */
export function sendRaw(path: string, text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(path);
    let answer = '';
    socket.setTimeout(ANSWER_MS, () => socket.destroy());
    socket.on('data', (chunk: Buffer) => {
      answer += chunk.toString('latin1');
      if (isComplete(answer)) socket.setTimeout(SILENCE_MS);
    });
    socket.once('close', () => resolve(answer));
    socket.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'ECONNRESET' && error.code !== 'EPIPE') reject(error);
    });
    socket.write(text, 'latin1');
  });
}
