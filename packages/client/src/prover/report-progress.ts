/**
 * Calls the application's progress callback. What it throws concerns the display alone: it goes to
 * the page's `error` event, where there is one, and neither to the proof nor to the worker's events.
 */
export function reportProgress(
  onProgress: ((fraction: number) => void) | undefined,
  fraction: number,
): void {
  try {
    onProgress?.(fraction);
  } catch (error) {
    // Node has no such function, and an exception without a catcher would end the process.
    globalThis.reportError?.(error);
  }
}
