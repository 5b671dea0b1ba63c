import { Module } from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import { PzkGuard, PzkModule } from '@pzk-auth/nestjs';
import { createVerifier } from '@pzk-auth/verifier';
import { AppConfig } from './config/app-config.js';
import { ConfigModule } from './config/config.module.js';
import { SCOPES } from './scopes.js';
import { AppStores } from './stores/app-stores.js';
import { StoresModule } from './stores/stores.module.js';
import { WeatherModule } from './weather/weather.module.js';

@Module({
  imports: [
    PzkModule.forRootAsync({
      imports: [ConfigModule, StoresModule],
      inject: [AppConfig, AppStores],
      useFactory: (config: AppConfig, { stores }: AppStores) => ({
        verifier: createVerifier({
          issuer: config.origin,
          audience: config.origin,
          rpId: new URL(config.origin).hostname,
          origins: [config.origin],
          scopes: SCOPES,
          stores,
          ...(config.secret === undefined ? {} : { secret: config.secret }),
        }),
      }),
    }),
    ConfigModule,
    WeatherModule,
  ],
  // Every route is protected unless it says @Public().
  providers: [{ provide: APP_GUARD, useExisting: PzkGuard }],
})
export class AppModule {}
