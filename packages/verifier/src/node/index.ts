export { originalUrl, rawHeader } from './raw-request.js';
export { addVary, sendResponse } from './send-response.js';
export { serveRequest } from './serve-request.js';
export { toWebRequest } from './web-request.js';
