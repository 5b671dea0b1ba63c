/** Hands a document to the user as a file. */
export function downloadJson(name: string, document_: object): void {
  const url = URL.createObjectURL(
    new Blob([JSON.stringify(document_)], { type: 'application/json' }),
  );
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  URL.revokeObjectURL(url);
}
