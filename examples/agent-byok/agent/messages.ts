/** What the upstream API refused, by its own name for it. */
export class UpstreamError extends Error {}

/** A `fetch` that carries the key: that of a grant. */
export type KeyedFetch = (input: string, init: RequestInit) => Promise<Response>;

/** Data of the events of a `text/event-stream` body. */
async function* readEvents(body: ReadableStream<Uint8Array>): AsyncGenerator<unknown> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const chunk of body) {
    const blocks = (rest + decoder.decode(chunk, { stream: true })).split('\n\n');
    rest = blocks.pop() ?? '';
    for (const block of blocks) {
      const data = block.split('\n').find((line) => line.startsWith('data:'));
      if (data !== undefined) yield JSON.parse(data.slice(5));
    }
  }
}

interface StreamEvent {
  readonly type?: string;
  readonly delta?: { readonly type?: string; readonly text?: string };
  readonly error?: { readonly type?: string };
}

/** Asks the Messages API and gives the pieces of its answer as they come. */
export async function* askModel(
  keyedFetch: KeyedFetch,
  {
    host,
    model,
    prompt,
  }: { readonly host: string; readonly model: string; readonly prompt: string },
): AsyncGenerator<string> {
  const response = await keyedFetch(`https://${host}/v1/messages`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', 'anthropic-version': '2023-06-01' },
    body: JSON.stringify({
      model,
      max_tokens: 1024,
      stream: true,
      messages: [{ role: 'user', content: prompt }],
    }),
  });
  if (!response.ok || response.body === null) {
    const problem = (await response.json().catch(() => ({}))) as StreamEvent;
    throw new UpstreamError(problem.error?.type ?? `status ${response.status}`);
  }
  for await (const value of readEvents(response.body)) {
    const { type, delta, error } = value as StreamEvent;
    if (type === 'error') throw new UpstreamError(error?.type ?? 'error');
    if (delta?.type === 'text_delta' && delta.text !== undefined) yield delta.text;
  }
}
