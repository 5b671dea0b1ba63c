import { ConfigurableModuleBuilder } from '@nestjs/common';
import type { PzkModuleOptions } from './pzk.options.js';

/** What Nest's builder makes of the options: `forRoot` and `forRootAsync`. */
export const { ConfigurableModuleClass, MODULE_OPTIONS_TOKEN } =
  new ConfigurableModuleBuilder<PzkModuleOptions>({ moduleName: 'Pzk' })
    .setClassMethodName('forRoot')
    .setFactoryMethodName('createPzkOptions')
    .setExtras({ isGlobal: true }, (definition, { isGlobal }) => ({
      ...definition,
      global: isGlobal,
    }))
    .build();
