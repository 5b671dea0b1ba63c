import { Injectable } from '@nestjs/common';

type Environment = Readonly<Record<string, string | undefined>>;

function readPort(text: string): number {
  const port = Number(text);
  if (text.trim() === '' || !Number.isSafeInteger(port) || port < 1 || port > 65_535) {
    throw new TypeError('PORT must be a number from 1 to 65535.');
  }
  return port;
}

function readOrigin(text: string): string {
  if (!URL.canParse(text) || new URL(text).origin !== text) {
    throw new TypeError('ORIGIN must be an origin, such as https://weather.example.');
  }
  return text;
}

/** What the environment says, checked once. */
@Injectable()
export class AppConfig {
  readonly port: number;
  /** Where clients reach the API: issuer, audience and WebAuthn origin in one. */
  readonly origin: string;
  /** File of the database. Default: a memory that ends with the process. */
  readonly databaseFile: string | undefined;
  /** 32 random bytes or more, shared by all instances. Needed with a database, and in production. */
  readonly secret: string | undefined;

  constructor() {
    const env: Environment = process.env;
    this.port = readPort(env.PORT ?? '3000');
    this.origin = readOrigin(env.ORIGIN ?? `http://localhost:${this.port}`);
    this.databaseFile = env.DATABASE_FILE;
    this.secret = env.PZK_SECRET;
    if (this.databaseFile !== undefined && this.secret === undefined) {
      throw new TypeError('DATABASE_FILE needs PZK_SECRET: keys are stored wrapped by it.');
    }
  }
}
