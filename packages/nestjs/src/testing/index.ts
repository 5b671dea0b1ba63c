export { overridePzk, type PzkOverride, type TestSession } from './override-pzk.js';
