import { Inject, Injectable, type OnModuleInit } from '@nestjs/common';
import { MetadataScanner, ModulesContainer } from '@nestjs/core';
import { accessOf } from './access.js';
import { PzkGuard } from './pzk.guard.js';
import { PzkService } from './pzk.service.js';

interface Controller {
  readonly name: string;
  readonly prototype: Readonly<Record<string, object>>;
}

/** Checks at start what routes demand, so that a typing error in a scope shows there. */
@Injectable()
export class RouteCheck implements OnModuleInit {
  readonly #modules: ModulesContainer;
  readonly #pzk: PzkService;
  readonly #scanner = new MetadataScanner();

  constructor(
    @Inject(ModulesContainer) modules: ModulesContainer,
    @Inject(PzkService) pzk: PzkService,
  ) {
    this.#modules = modules;
    this.#pzk = pzk;
  }

  /** @throws TypeError naming the route */
  onModuleInit(): void {
    for (const { controllers, injectables } of this.#modules.values()) {
      // @Protect() makes the guard an injectable of its module: it tells whose scopes these are.
      const guard: unknown = injectables.get(PzkGuard)?.instance;
      if (!(guard instanceof PzkGuard) || !guard.asks(this.#pzk)) continue;
      for (const { metatype } of controllers.values()) {
        if (typeof metatype === 'function') this.#check(metatype as unknown as Controller);
      }
    }
  }

  #check(controller: Controller): void {
    for (const name of this.#scanner.getAllMethodNames(controller.prototype)) {
      const access = accessOf(controller.prototype[name] as object, controller);
      if (access.kind === 'public') continue;
      try {
        this.#pzk.verifier.assertDemands(access.demands);
      } catch (error) {
        const reason = error instanceof Error ? error.message : 'odd demands';
        throw new TypeError(`${controller.name}.${name}: ${reason}`, { cause: error });
      }
    }
  }
}
