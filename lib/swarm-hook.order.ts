import type { Type } from '@nestjs/common';
import type { ModulesContainer } from '@nestjs/core';

/**
 * Nest starts modules from the farthest `distance` to the nearest, and destroys them the other way round. Global
 * modules have Number.MAX_VALUE, so they start first and are destroyed last. The swarm needs other places: its node
 * starts before every module (other global ones too), and stops before any, while the databases of the application
 * are still open. The distance is a Nest internal; `test/unit/nest/hook-order.spec.ts` watches it. It must be set from a constructor: at `onModuleInit` Nest has sorted its modules already.
 */
const FIRST_TO_START = Number.POSITIVE_INFINITY;
const FIRST_TO_STOP = -1;

/** Makes the hooks of a module run before all others at boot. */
export function startFirst(modules: ModulesContainer, module: Type<unknown>): void {
  setDistance(modules, module, FIRST_TO_START);
}

/** Makes the destroy hooks of a module run before all others at shutdown. */
export function stopFirst(modules: ModulesContainer, module: Type<unknown>): void {
  setDistance(modules, module, FIRST_TO_STOP);
}

function setDistance(modules: ModulesContainer, metatype: Type<unknown>, distance: number): void {
  for (const module of modules.values()) if (module.metatype === metatype) module.distance = distance;
}
