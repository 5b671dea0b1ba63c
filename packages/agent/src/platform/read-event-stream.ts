const MAXIMUM_EVENT_CHARACTERS = 64 * 1024;

/** One event of a stream. */
export interface StreamEvent {
  readonly event: string;
  readonly data: string;
}

/**
 * Reads an event stream (HTML Living Standard, section 9.2.6): `event` and `data`, nothing else.
 * Lines end with LF, CRLF or CR.
 */
export async function* readEventStream(
  body: ReadableStream<Uint8Array>,
): AsyncGenerator<StreamEvent | 'comment'> {
  const decoder = new TextDecoder();
  let text = '';
  let event = '';
  let data: string[] = [];
  for await (const chunk of body) {
    text += decoder.decode(chunk, { stream: true });
    for (;;) {
      const end = /\r\n|\n|\r(?!$)/.exec(text);
      if (end === null) break;
      const line = text.slice(0, end.index);
      text = text.slice(end.index + end[0].length);
      if (line === '') {
        if (data.length > 0) yield { event: event || 'message', data: data.join('\n') };
        event = '';
        data = [];
      } else if (line.startsWith(':')) yield 'comment';
      else {
        const [field = '', ...rest] = line.split(':');
        const value = rest.join(':').replace(/^ /, '');
        if (field === 'event') event = value;
        if (field === 'data') data.push(value);
      }
    }
    if (text.length + data.join('').length > MAXIMUM_EVENT_CHARACTERS) {
      throw new RangeError('An event is too long.');
    }
  }
}
