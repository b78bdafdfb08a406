/**
 * Decorators of other packages that make those packages call the method on the instance that they find at boot. Of a
 * worker class Nest holds only an empty placeholder there, whose constructor never ran. Known by their metadata keys,
 * so that none of the packages is needed.
 */
const METHOD_KEYS: Readonly<Record<string, string>> = {
  SCHEDULE_CRON_OPTIONS: '@Cron',
  SCHEDULE_INTERVAL_OPTIONS: '@Interval',
  SCHEDULE_TIMEOUT_OPTIONS: '@Timeout',
  EVENT_LISTENER_METADATA: '@OnEvent',
};
const CLASS_KEYS: Readonly<Record<string, string>> = {
  __commandHandler__: '@CommandHandler',
  __queryHandler__: '@QueryHandler',
  // The key of @nestjs/cqrs 10 and before lacks the last two underscores.
  __eventsHandler: '@EventsHandler',
  __eventsHandler__: '@EventsHandler',
  __saga__: '@Saga',
};

/** Such decorators on a method, as `@Cron`. */
export function foreignDecoratorsOfMethod(method: object): string[] {
  return present(METHOD_KEYS, method);
}

/** Such decorators on a class, as `@CommandHandler`. */
export function foreignDecoratorsOfClass(cls: object): string[] {
  return present(CLASS_KEYS, cls);
}

function present(keys: Readonly<Record<string, string>>, target: object): string[] {
  return Object.entries(keys)
    .filter(([key]) => Reflect.hasMetadata(key, target))
    .map(([, name]) => name);
}
