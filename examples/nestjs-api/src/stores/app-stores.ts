import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { memoryStores, type Stores } from '@pzk-auth/verifier';
import { sqliteDatabase, sqlStores } from '@pzk-auth/verifier/sql';
import { AppConfig } from '../config/app-config.js';

/** The stores of one process. Several processes need PostgreSQL and Redis: see the README. */
@Injectable()
export class AppStores implements OnApplicationShutdown {
  readonly stores: Stores;
  readonly #close: () => Promise<void>;

  constructor({ databaseFile, origin }: AppConfig) {
    if (databaseFile === undefined) {
      this.stores = memoryStores();
      this.#close = async () => {};
    } else {
      const database = sqliteDatabase(databaseFile);
      this.stores = { ...memoryStores(), ...sqlStores({ database, issuer: origin }) };
      this.#close = () => database.close();
    }
  }

  /** The verifier has shut down by now: the module does that before. */
  onApplicationShutdown(): Promise<void> {
    return this.#close();
  }
}
