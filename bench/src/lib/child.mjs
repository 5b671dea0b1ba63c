import { fork } from 'node:child_process';

/**
 * A process of a bench: answers each message with one message, in order, after a first one that says
 * that it is ready.
 *
 * @template Request, Response
 * @typedef {object} Child
 * @property {any} ready - what it said at its start
 * @property {(request: Request) => Promise<Response>} ask
 * @property {() => void} end
 */

/**
 * @template Request, Response
 * @param {URL} script
 * @param {object} start - its first argument, as JSON
 * @returns {Promise<Child<Request, Response>>}
 */
export async function startChild(script, start = {}) {
  // Vite sets this one in the process that builds pages.
  const { NODE_ENV: _, ...env } = process.env;
  const child = fork(script, [JSON.stringify(start)], { serialization: 'advanced', env });
  /** @returns {Promise<any>} */
  const next = () =>
    new Promise((resolve, reject) => {
      /** @param {any} message */
      const onMessage = (message) => {
        child.off('exit', onExit);
        if (message.error === undefined) resolve(message.answer);
        else reject(new Error(message.error));
      };
      const onExit = () => {
        child.off('message', onMessage);
        reject(new Error(`${script.pathname.split('/').at(-1)} ended.`));
      };
      child.once('message', onMessage);
      child.once('exit', onExit);
    });
  const ready = await next();
  return {
    ready,
    ask(request) {
      const answer = next();
      child.send(/** @type {any} */ (request));
      return answer;
    },
    end() {
      // It leaves by itself, in order: see serveParent.
      child.disconnect();
    },
  };
}

/** What this process was started with. */
export function readStart() {
  return JSON.parse(process.argv[2] ?? '{}');
}

/**
 * Says in a child that it is ready and answers from then on. It ends with its parent.
 *
 * @param {object} ready
 * @param {(request: any) => unknown} answer
 */
export function serveParent(ready, answer) {
  process.on('disconnect', () => process.exit());
  process.on('message', async (request) => {
    try {
      process.send?.({ answer: await answer(request) });
    } catch (error) {
      process.send?.({ error: String(error instanceof Error ? error.stack : error) });
    }
  });
  process.send?.({ answer: ready });
}
