import { pzk } from '../../../lib/pzk';

export const { GET, HEAD } = pzk.health;
