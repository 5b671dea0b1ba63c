/** Reads a body as UTF-8 up to a bound in bytes; beyond it reading stops: `undefined`. */
export async function readText(response: Response, maximum: number): Promise<string | undefined> {
  if (response.body === null) return '';
  const reader = response.body.getReader();
  const decoder = new TextDecoder();
  let text = '';
  for (let size = 0; ; ) {
    const { done, value } = await reader.read();
    if (done) return text + decoder.decode();
    size += value.byteLength;
    if (size > maximum) {
      // Not awaited: of a cloned answer it settles only when both copies are cancelled.
      reader.cancel().catch(() => undefined);
      return undefined;
    }
    text += decoder.decode(value, { stream: true });
  }
}
