export { type AppOptions, createApp, SCOPES, type WeatherApp } from './app.js';
export { type DemoData, openDemoData } from './demo-data.js';
export type { DemoKey } from './demo-routes.js';
export { CONTENT_SECURITY_POLICY } from './security-headers.js';
export { type RunningServer, type StartOptions, startServer } from './start.js';
