/** Text of others on a terminal: without characters that would steer it. */
export function printable(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, '?');
}

/** The same for a text of several lines, such as the message of a parser that quotes a file. */
export function printableLines(text: string): string {
  return text.split('\n').map(printable).join('\n');
}

function escapeUnits(text: string): string {
  const units = Array.from({ length: text.length }, (_, index) => text.charCodeAt(index));
  return units.map((unit) => `\\u${unit.toString(16).padStart(4, '0')}`).join('');
}

/**
 * JSON that may be shown on a terminal: JSON itself escapes the control characters of ASCII only. It
 * means the same.
 */
export function formatJson(value: unknown, indent?: number): string {
  return JSON.stringify(value, null, indent).replaceAll(
    /[\u007f-\u009f\p{Cf}\u2028\u2029]/gu,
    escapeUnits,
  );
}

/** A time for people and for scripts alike: ISO 8601 in UTC. */
export function formatTime(milliseconds: number): string {
  return new Date(milliseconds).toISOString();
}

/** A table in columns, the first line in capitals. */
export function formatTable(
  columns: readonly string[],
  rows: readonly (readonly (string | undefined)[])[],
): string {
  const lines = [columns, ...rows].map((row) => row.map((cell) => printable(cell ?? '-')));
  const widths = columns.map((_, index) =>
    Math.max(...lines.map((line) => line[index]?.length ?? 0)),
  );
  return lines
    .map((line) =>
      line
        .map((cell, index) => cell.padEnd(widths[index] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}
