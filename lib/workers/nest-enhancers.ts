import type { ArgumentsHost, PipeTransform, Type } from '@nestjs/common';
import {
  EXCEPTION_FILTERS_METADATA,
  GUARDS_METADATA,
  INTERCEPTORS_METADATA,
  PIPES_METADATA,
} from '@nestjs/common/constants.js';
import { ApplicationConfig, ExternalContextCreator, type ModuleRef, type NestContainer } from '@nestjs/core';
import { ExternalExceptionFilterContext } from '@nestjs/core/exceptions/external-exception-filter-context.js';
import type { InstanceWrapper } from '@nestjs/core/injector/instance-wrapper.js';
import { PipesContextCreator } from '@nestjs/core/pipes/pipes-context-creator.js';
import type { ParameterPipes } from './handler-parameters.js';
import { parameterMetadata } from './handler-parameters.js';
import { settleAnswer } from './settle-answer.js';

/** A class as one module provides it: where its guards, pipes, interceptors and filters are looked up. */
export type EnhancerHost = InstanceWrapper<object>;

type Callback = (...args: unknown[]) => unknown;

const ENHANCERS = [GUARDS_METADATA, INTERCEPTORS_METADATA, PIPES_METADATA, EXCEPTION_FILTERS_METADATA];

/**
 * Nest's enhancers for handlers of workers. The one file that reaches into Nest: the container behind a `ModuleRef` is
 * protected there, and nothing else gives `ExternalContextCreator` a configuration without the global enhancers
 * (tried on Nest 11 and 12).
 */
export class NestEnhancers {
  private readonly config: ApplicationConfig;
  private readonly contexts: ExternalContextCreator;
  private readonly pipes: PipesContextCreator;
  private readonly filters: ExternalExceptionFilterContext;

  /** @param inheritAppConfig whether the global enhancers of the application apply too */
  constructor(moduleRef: ModuleRef, inheritAppConfig: boolean) {
    const container = (moduleRef as unknown as { readonly container: NestContainer }).container;
    this.config = (inheritAppConfig && container.applicationConfig) || new ApplicationConfig();
    const view = Object.create(container, { applicationConfig: { value: this.config } }) as NestContainer;
    this.contexts = ExternalContextCreator.fromContainer(view);
    // Its own one rejects with EmptyError for an Observable without a value; ours is an answer of `undefined`.
    this.contexts.transformToResult = async (result: unknown) => settleAnswer(result);
    this.pipes = new PipesContextCreator(view, this.config);
    this.filters = new ExternalExceptionFilterContext(view, this.config);
  }

  /** Global enhancers that would be left out in silence, because they are built per request. */
  faults(): string[] {
    const scoped = [
      ...this.config.getGlobalRequestGuards(),
      ...this.config.getGlobalRequestInterceptors(),
      ...this.config.getGlobalRequestPipes(),
      ...this.config.getGlobalRequestFilters(),
    ];
    return scoped.map(
      (wrapper) =>
        `inheritAppConfig: the global ${wrapper.name} is request-scoped, and messages have no request; give it the default scope`,
    );
  }

  /** Whether anything of the class itself (not of the application) needs the module that provides it. */
  static areOn(cls: Type<object>, methods: readonly string[]): boolean {
    return methods.some(
      (method) =>
        ENHANCERS.some((key) => isOn(key, cls, method)) ||
        parameterMetadata(cls, method).some(([, { pipes }]) => pipes !== undefined && pipes.length > 0),
    );
  }

  /**
   * Names of the class's enhancers that its module does not know, as those of a stand-in that Nest did not scan. Nest
   * would leave them out in silence, guards too.
   */
  static unknownTo(host: EnhancerHost, cls: Type<object>, methods: readonly string[]): string[] {
    const known = host.host?.injectables;
    const names = new Set<string>();
    const note = (items: readonly unknown[] | undefined): void => {
      for (const item of items ?? []) {
        if (typeof item === 'function' && known?.has(item as Type<unknown>) !== true) names.add(item.name);
      }
    };
    for (const key of ENHANCERS) note(Reflect.getMetadata(key, cls) as unknown[] | undefined);
    for (const method of methods) {
      for (const key of ENHANCERS)
        note(Reflect.getMetadata(key, methodOf(cls, method)) as unknown[] | undefined);
      for (const [, { pipes }] of parameterMetadata(cls, method)) note(pipes);
    }
    return [...names];
  }

  /** The pipes of one handler. */
  pipesFor(host: EnhancerHost, cls: Type<object>, method: string): ParameterPipes {
    const moduleKey = moduleKeyOf(host);
    return {
      shared: this.pipes.create(host.instance, methodOf(cls, method), moduleKey),
      resolve: (pipes) => {
        this.pipes.setModuleContext(moduleKey);
        return this.pipes.createConcreteContext<unknown[], PipeTransform[]>([...pipes]);
      },
    };
  }

  /** `callback` behind the guards and within the interceptors of a handler; `undefined` if it has none. */
  guarded(host: EnhancerHost, cls: Type<object>, method: string, callback: Callback): Callback | undefined {
    const applies =
      isOn(GUARDS_METADATA, cls, method) ||
      isOn(INTERCEPTORS_METADATA, cls, method) ||
      this.config.getGlobalGuards().length > 0 ||
      this.config.getGlobalInterceptors().length > 0;
    if (!applies) return undefined;
    disguise(callback, methodOf(cls, method));
    // Filters apart: Nest's own proxy around them logs what no filter caught, and the worker host does so already.
    const options = { guards: true, interceptors: true, filters: false };
    return this.contexts.create(
      host.instance,
      callback,
      method,
      undefined,
      undefined,
      undefined,
      undefined,
      options,
      'swarm',
    );
  }

  /** Asks the filters of a handler; gives `undefined` when none caught the error. `undefined` if it has no filters. */
  catching(
    host: EnhancerHost,
    cls: Type<object>,
    method: string,
  ): ((error: unknown, arguments_: ArgumentsHost) => unknown) | undefined {
    if (!isOn(EXCEPTION_FILTERS_METADATA, cls, method) && this.config.getGlobalFilters().length === 0) {
      return undefined;
    }
    const handler = this.filters.create(host.instance, methodOf(cls, method) as never, moduleKeyOf(host));
    return (error, arguments_) => handler.invokeCustomFilters(error, arguments_);
  }
}

function isOn(key: string, cls: Type<object>, method: string): boolean {
  const onClass = Reflect.getMetadata(key, cls) as unknown[] | undefined;
  const onMethod = Reflect.getMetadata(key, methodOf(cls, method)) as unknown[] | undefined;
  return (onClass?.length ?? 0) + (onMethod?.length ?? 0) > 0;
}

function methodOf(cls: Type<object>, method: string): Callback {
  return (cls.prototype as Record<string, Callback>)[method]!;
}

function moduleKeyOf(host: EnhancerHost): string {
  return host.host?.token ?? '';
}

/** Guards read roles and the like from `getHandler()`, and that is the callback. */
function disguise(callback: Callback, method: Callback): void {
  for (const key of Reflect.getMetadataKeys(method)) {
    Reflect.defineMetadata(key, Reflect.getMetadata(key, method), callback);
  }
  Object.defineProperty(callback, 'name', { value: method.name });
}
