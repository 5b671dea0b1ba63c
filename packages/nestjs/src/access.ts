import 'reflect-metadata';
import type { ProtectOptions } from '@pzk-auth/verifier';

/** Who may call a route. */
export type Access =
  | { readonly kind: 'public' }
  | { readonly kind: 'protected'; readonly demands: ProtectOptions };

const ACCESS = 'pzk-auth:access';
const PROTECTED: Access = { kind: 'protected', demands: {} };

/** A decorator that writes down who may call a class's routes or one route. */
export function markAccess(access: Access): ClassDecorator & MethodDecorator {
  return (target: object, _key?: string | symbol, descriptor?: PropertyDescriptor) => {
    const marked: unknown = descriptor === undefined ? target : descriptor.value;
    if (typeof marked !== 'function') {
      throw new TypeError('@Protect() and @Public() belong on controllers and their methods.');
    }
    if (Reflect.hasOwnMetadata(ACCESS, marked)) {
      throw new TypeError(`${marked.name}: one of @Protect() and @Public(), and once.`);
    }
    Reflect.defineMetadata(ACCESS, access, marked);
  };
}

/** Whether a class or method was marked itself. */
export function isMarked(target: object): boolean {
  return Reflect.hasMetadata(ACCESS, target);
}

/** What is nearer goes before what is general, option by option. */
function narrow(general: Access | undefined, own: Access | undefined): Access | undefined {
  if (own?.kind !== 'protected') return own ?? general;
  if (general?.kind !== 'protected') return own;
  return { kind: 'protected', demands: { ...general.demands, ...own.demands } };
}

/** What a class says, after the classes that it extends. */
function accessOfClass(controller: object): Access | undefined {
  const parent: unknown = Object.getPrototypeOf(controller);
  const general = typeof parent === 'function' ? accessOfClass(parent) : undefined;
  return narrow(general, Reflect.getOwnMetadata(ACCESS, controller));
}

/**
 * Who may call a route. What the method says goes before what its class says, option by option:
 * `@Protect({ maxAge })` on a method keeps the scope that its class demands, and on a class that of the
 * class that it extends. A route about which nothing was said is protected.
 */
export function accessOf(handler: object, controller: object): Access {
  const own: Access | undefined = Reflect.getMetadata(ACCESS, handler);
  return narrow(accessOfClass(controller), own) ?? PROTECTED;
}
