import { createRoot, hydrateRoot } from 'react-dom/client';
import { createPage } from './page.js';

const place = document.querySelector('main') as HTMLElement;
const { origin, resume, hydrate } = JSON.parse(place.dataset.page ?? '{}');

let finish = () => {};
const later = new Promise<void>((resolve) => {
  finish = resolve;
});
const page = createPage({ origin, resume }, later);
const options = {
  onRecoverableError: (error: unknown) => console.error('recovered from', error),
};
const root = hydrate ? hydrateRoot(place, page, options) : createRoot(place, options);
if (!hydrate) root.render(page);
Object.assign(globalThis, { finishLatePart: () => finish(), unmountPage: () => root.unmount() });
