import { Module } from '@nestjs/common';
import { ConfigModule } from '../config/config.module.js';
import { AppStores } from './app-stores.js';

@Module({ imports: [ConfigModule], providers: [AppStores], exports: [AppStores] })
export class StoresModule {}
