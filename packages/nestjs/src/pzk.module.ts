import { Module } from '@nestjs/common';
import { APP_FILTER } from '@nestjs/core';
import { authenticatorProvider } from './authenticator.js';
import { PzkExceptionFilter } from './pzk.exception-filter.js';
import { PzkGuard } from './pzk.guard.js';
import { ConfigurableModuleClass, MODULE_OPTIONS_TOKEN } from './pzk.module-definition.js';
import { RESOLVED_OPTIONS, resolveOptions } from './pzk.options.js';
import { PzkService } from './pzk.service.js';
import { RouteCheck } from './route-check.js';
import { RouteMount } from './route-mount.js';

/**
 * Serves the endpoints of a verifier and gives the application {@link PzkGuard} and
 * {@link PzkService}. Global unless `isGlobal` is false; then each module that protects routes
 * imports it, which also lets two issuers live in one application.
 *
 * `forRoot({ verifier })` takes the options, and `forRootAsync()` says where they come from: `useFactory`
 * with `inject`, or `useClass` and `useExisting` with a `PzkOptionsFactory`; `imports` besides.
 */
@Module({
  providers: [
    PzkService,
    PzkGuard,
    RouteCheck,
    RouteMount,
    { provide: RESOLVED_OPTIONS, inject: [MODULE_OPTIONS_TOKEN], useFactory: resolveOptions },
    authenticatorProvider,
    { provide: APP_FILTER, useClass: PzkExceptionFilter },
  ],
  exports: [PzkService, PzkGuard],
})
export class PzkModule extends ConfigurableModuleClass {}
