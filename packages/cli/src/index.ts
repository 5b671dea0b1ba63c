export type { Deployment, RedisConnection } from './deployment.js';
