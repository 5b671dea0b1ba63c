/** Deletes the rows for which a condition holds. */
export function deleteWhere<T>(rows: Map<string, T>, holds: (row: T) => boolean): void {
  for (const [id, row] of rows) if (holds(row)) rows.delete(id);
}
