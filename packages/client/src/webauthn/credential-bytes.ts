import type { Bytes } from '@pzk-auth/protocol';

/** Copies a BufferSource into bytes of this realm, which WebCrypto accepts everywhere. */
export function bytesOf(source: BufferSource): Bytes {
  return ArrayBuffer.isView(source)
    ? new Uint8Array(source.buffer, source.byteOffset, source.byteLength).slice()
    : new Uint8Array(source).slice();
}

/** Overwrites a BufferSource in place. */
export function wipe(source: BufferSource): void {
  const view = ArrayBuffer.isView(source)
    ? new Uint8Array(source.buffer, source.byteOffset, source.byteLength)
    : new Uint8Array(source);
  view.fill(0);
}
