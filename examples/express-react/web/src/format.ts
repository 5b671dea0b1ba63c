const integers = new Intl.NumberFormat('en');

/** A number of bytes for people. */
export function formatBytes(bytes: number): string {
  return bytes < 1000 ? `${bytes} B` : `${(bytes / 1000).toFixed(1)} kB`;
}

/** A duration for people, from milliseconds. */
export function formatDuration(milliseconds: number): string {
  return milliseconds < 1000
    ? `${integers.format(Math.round(milliseconds))} ms`
    : `${(milliseconds / 1000).toFixed(1)} s`;
}

/** Minutes and seconds, from seconds. */
export function formatCountdown(seconds: number): string {
  const left = Math.max(0, Math.floor(seconds));
  return `${Math.floor(left / 60)}:${String(left % 60).padStart(2, '0')}`;
}

/** Cuts a long text and says how long it was. */
export function shorten(text: string, length = 48): string {
  return text.length <= length + 16
    ? text
    : `${text.slice(0, length)}… (${text.length} characters)`;
}

/** Cuts a long path, such as the address of an artifact. */
export function shortenPath(path: string): string {
  return path.length <= 32 ? path : `${path.slice(0, 24)}…`;
}

/** A time of day, from seconds since the epoch. */
export function formatTime(seconds: number): string {
  return new Date(seconds * 1000).toLocaleTimeString();
}

/** Any value as indented JSON whose long strings are cut. */
export function formatJson(value: unknown): string {
  return JSON.stringify(value, (_, item) => (typeof item === 'string' ? shorten(item) : item), 2);
}

/** A body as it travelled, laid out for reading: JSON, or a form with one field a line. */
export function formatBody(body: string): string {
  try {
    return formatJson(JSON.parse(body));
  } catch {
    if (!/^[\w.-]+=/.test(body)) return shorten(body, 400);
    return [...new URLSearchParams(body)]
      .map(([name, value]) => `${name} = ${shorten(value)}`)
      .join('\n');
  }
}
