/** Marks a row as revoked, once: a second call keeps the first time. `false` if there is none. */
export function revokeRow<T extends { readonly revokedAt?: number | undefined }>(
  rows: Map<string, T>,
  id: string,
  at: number,
): boolean {
  const row = rows.get(id);
  if (row === undefined) return false;
  if (row.revokedAt === undefined) rows.set(id, Object.freeze({ ...row, revokedAt: at }));
  return true;
}
