import { mergeConfig } from 'vitest/config';
import base from './vitest.config.js';

/** `npm run test:matrix`: what takes too long for each run of `npm test`. */
const config = mergeConfig(base, {});
config.test = { ...config.test, include: ['src/**/*.matrix.ts'] };

export default config;
