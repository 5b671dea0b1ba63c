import { createHash, timingSafeEqual } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import express, { type ErrorRequestHandler, type Express, type Response } from 'express';

/** Options of {@link createMessagesApi}. */
export interface MessagesApiOptions {
  /** Keys that are accepted, asked for at each request: a key that was withdrawn is refused at once. */
  readonly keys: () => readonly string[];
  /** Between two pieces of a streamed answer, in milliseconds. Default 25. */
  readonly pause?: number;
}

const digest = (text: string) => createHash('sha256').update(text).digest();

function fail(res: Response, status: number, type: string, message: string): void {
  res.status(status).json({ type: 'error', error: { type, message } });
}

interface Question {
  readonly model: string;
  readonly text: string;
  readonly stream: boolean;
}

/** Reads the part of the request that the stand-in needs; undefined if the real API would refuse it. */
function readQuestion(body: unknown): Question | undefined {
  const { model, max_tokens, messages, stream } = (body ?? {}) as Record<string, unknown>;
  if (typeof model !== 'string' || !Number.isSafeInteger(max_tokens)) return undefined;
  const last: unknown = Array.isArray(messages) ? messages.at(-1) : undefined;
  const { role, content } = (last ?? {}) as Record<string, unknown>;
  if (role !== 'user' || typeof content !== 'string') return undefined;
  return { model, text: content, stream: stream === true };
}

/** What the stand-in has to say: that it is one, and what it was asked. */
function compose({ text }: Question): string {
  const asked = text.length > 200 ? `${text.slice(0, 200)}…` : text;
  return (
    `This is the local stand-in for the Messages API, and it accepted the key that came with this call. ` +
    `You asked: “${asked}” It cannot think, so here is what a plan looks like instead:\n\n` +
    `1. Read what is there.\n2. Change one thing.\n3. Look at what happened.\n\n` +
    `Point the agent at the real API and the answer comes from a model; everything else stays as it is.`
  );
}

/** In words, each with the space before it, as a model's pieces come. */
const pieces = (text: string) => text.match(/\s*\S+/g) ?? [];

async function stream(res: Response, id: string, question: Question, pause: number): Promise<void> {
  const send = (event: string, data: object) =>
    res.write(`event: ${event}\ndata: ${JSON.stringify({ type: event, ...data })}\n\n`);
  const words = pieces(compose(question));
  res.set({ 'Content-Type': 'text/event-stream; charset=utf-8', 'Cache-Control': 'no-cache' });
  send('message_start', {
    message: {
      id,
      type: 'message',
      role: 'assistant',
      model: question.model,
      content: [],
      stop_reason: null,
      stop_sequence: null,
      usage: { input_tokens: pieces(question.text).length, output_tokens: 1 },
    },
  });
  send('content_block_start', { index: 0, content_block: { type: 'text', text: '' } });
  send('ping', {});
  for (const text of words) {
    if (res.destroyed) return;
    send('content_block_delta', { index: 0, delta: { type: 'text_delta', text } });
    await wait(pause);
  }
  send('content_block_stop', { index: 0 });
  send('message_delta', {
    delta: { stop_reason: 'end_turn', stop_sequence: null },
    usage: { output_tokens: words.length },
  });
  send('message_stop', {});
  res.end();
}

/**
 * A stand-in for the Messages API of Anthropic: `POST /v1/messages`, streamed or whole, and 401 without
 * a key that it knows. It exists so that the example runs without an account there.
 */
export function createMessagesApi({ keys, pause = 25 }: MessagesApiOptions): Express {
  const app = express();
  app.disable('x-powered-by');
  let count = 0;
  app.use((_req, res, next) => {
    count++;
    res.set('Request-Id', `req_${String(count).padStart(8, '0')}`);
    next();
  });
  app.post('/v1/messages', (req, res, next) => {
    const given = digest(req.get('x-api-key') ?? '');
    if (keys().some((key) => timingSafeEqual(digest(key), given))) return next();
    fail(res, 401, 'authentication_error', 'invalid x-api-key');
  });
  app.post('/v1/messages', express.json({ limit: '1mb' }), async (req, res) => {
    if (req.get('anthropic-version') === undefined) {
      return fail(res, 400, 'invalid_request_error', 'anthropic-version: header is required');
    }
    const question = readQuestion(req.body);
    if (question === undefined) {
      return fail(res, 400, 'invalid_request_error', 'model, max_tokens and messages are required');
    }
    const id = `msg_${String(count).padStart(8, '0')}`;
    if (question.stream) return stream(res, id, question, pause);
    const text = compose(question);
    res.json({
      id,
      type: 'message',
      role: 'assistant',
      model: question.model,
      content: [{ type: 'text', text }],
      stop_reason: 'end_turn',
      stop_sequence: null,
      usage: {
        input_tokens: pieces(question.text).length,
        output_tokens: pieces(text).length,
      },
    });
  });
  app.use((_req, res) => fail(res, 404, 'not_found_error', 'Not found'));
  app.use(((error, _req, res, next) => {
    if (res.headersSent) return next(error);
    fail(res, 400, 'invalid_request_error', 'The body is not JSON.');
  }) satisfies ErrorRequestHandler);
  return app;
}
