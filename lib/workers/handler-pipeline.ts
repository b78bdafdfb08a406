import type { Type } from '@nestjs/common';
import { ExecutionContextHost } from '@nestjs/core/helpers/execution-context-host.js';
import { compileParameters, type ParameterPipes, type ParameterReader } from './handler-parameters.js';
import type { EnhancerHost, NestEnhancers } from './nest-enhancers.js';
import { settleAnswer } from './settle-answer.js';
import type { SwarmContext } from './swarm-context.js';
import type { HandlerEntry } from './worker-definition.interface.js';

type Invoke = HandlerEntry['invoke'];

/** Where the enhancers of a handler come from. */
export interface EnhancerSource {
  readonly enhancers: NestEnhancers;
  readonly host: EnhancerHost;
}

/**
 * Compiles one handler, once per class and method: arguments, pipes, guards, interceptors, filters, answer. Stages that
 * do not apply are not there: a handler without enhancers costs a call of its method (0.1 µs instead of 2 to 8 µs
 * through Nest's pipeline, and nothing per instance).
 */
export function compileHandler(cls: Type<object>, method: string, source: EnhancerSource): Invoke {
  const handle = handlerCall(cls, method, source.enhancers.pipesFor(source.host, cls, method));
  return withFilters(cls, method, source, withGuards(cls, method, source, handle));
}

type Method = (...args: unknown[]) => unknown;

function handlerCall(cls: Type<object>, method: string, pipes: ParameterPipes): Invoke {
  const parameters = compileParameters(cls, method, pipes);
  if ('readers' in parameters) return plainCall(method, parameters.readers);
  const { argumentsOf } = parameters;
  return async (instance, payload, context) => {
    const args = await argumentsOf(payload, context);
    return settleAnswer((instance as Record<string, Method>)[method]!(...args));
  };
}

/** Without an array of arguments for what nearly all handlers are. */
function plainCall(method: string, readers: readonly ParameterReader[]): Invoke {
  const [first, second, third] = readers;
  if (first && !second) {
    return (instance, payload, context) =>
      settleAnswer((instance as Record<string, Method>)[method]!(first(payload, context)));
  }
  if (first && second && !third) {
    return (instance, payload, context) =>
      settleAnswer(
        (instance as Record<string, Method>)[method]!(first(payload, context), second(payload, context)),
      );
  }
  return (instance, payload, context) =>
    settleAnswer(
      (instance as Record<string, Method>)[method]!(...readers.map((read) => read(payload, context))),
    );
}

function withGuards(
  cls: Type<object>,
  method: string,
  { enhancers, host }: EnhancerSource,
  next: Invoke,
): Invoke {
  // Nest calls back with the message's arguments only, on the one placeholder that it knows of the class: the worker
  // meant is found by the context, of which every message has its own.
  const instances = new WeakMap<SwarmContext, object>();
  const guarded = enhancers.guarded(host, cls, method, (payload, context) =>
    next(instances.get(context as SwarmContext)!, payload, context as SwarmContext),
  );
  if (!guarded) return next;
  return (instance, payload, context) => {
    instances.set(context, instance);
    return guarded(payload, context);
  };
}

function withFilters(
  cls: Type<object>,
  method: string,
  { enhancers, host }: EnhancerSource,
  next: Invoke,
): Invoke {
  const caught = enhancers.catching(host, cls, method);
  if (!caught) return next;
  return async (instance, payload, context) => {
    try {
      return await next(instance, payload, context);
    } catch (error) {
      const arguments_ = new ExecutionContextHost([payload, context]);
      arguments_.setType('swarm');
      const answer = caught(error, arguments_);
      // Nest's rule: a filter that returns nothing has not handled the error.
      if (answer === undefined) throw error;
      return settleAnswer(answer);
    }
  };
}
