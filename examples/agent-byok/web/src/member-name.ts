/** The beginning of an id: enough to tell a handful of devices apart. */
export function shortId(id: string): string {
  return id.slice(0, 6);
}
