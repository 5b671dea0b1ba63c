import type { IncomingMessage, ServerResponse } from 'node:http';

/** Passes the request on, or an error. */
export type NodeNext = (error?: unknown) => void;

/** A handler for `app.use()`, on Express and on Fastify alike. */
export type NodeHandler = (req: IncomingMessage, res: ServerResponse, next: NodeNext) => void;
