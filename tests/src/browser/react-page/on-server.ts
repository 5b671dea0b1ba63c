import type { Writable } from 'node:stream';
import { renderToPipeableStream, renderToString } from 'react-dom/server';
import { createPage, type PageProps } from './page.js';

/** The page in one piece. */
export function renderPage(props: PageProps): string {
  return renderToString(createPage(props));
}

/** Streams the page: the shell at once, then what comes later, in a script with the nonce. */
export function streamPage(props: PageProps, nonce: string, into: Writable): Promise<void> {
  return new Promise((resolve, reject) => {
    let finish = () => {};
    const later = new Promise<void>((resolveLater) => {
      finish = resolveLater;
    });
    const stream = renderToPipeableStream(createPage(props, later), {
      nonce,
      onShellReady() {
        stream.pipe(into);
        setTimeout(finish, 20);
      },
      onAllReady: () => resolve(),
      onError: reject,
    });
  });
}
