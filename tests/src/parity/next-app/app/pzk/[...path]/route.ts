import { pzk } from '../../../lib/pzk';

export const { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS } = pzk.handlers;
