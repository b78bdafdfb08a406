import type { PipeTransform, Type } from '@nestjs/common';
import {
  CUSTOM_ROUTE_ARGS_METADATA,
  PARAMTYPES_METADATA,
  ROUTE_ARGS_METADATA,
} from '@nestjs/common/constants.js';
import { ExecutionContextHost } from '@nestjs/core/helpers/execution-context-host.js';
import { PipesConsumer } from '@nestjs/core/pipes/pipes-consumer.js';
import { RpcParamtype } from '@nestjs/microservices/enums/rpc-paramtype.enum.js';
import type { SwarmContext } from './swarm-context.js';

/** What a parameter decorator of Nest leaves behind. */
interface ParameterMetadata {
  readonly index: number;
  readonly data?: unknown;
  readonly pipes?: readonly unknown[];
  readonly schema?: unknown;
  readonly factory?: (data: unknown, host: ExecutionContextHost) => unknown;
}

interface Parameter {
  readonly index: number;
  readonly read: ParameterReader;
  readonly pipes: PipeTransform[];
  /** Its value is there at once: no pipe, no decorator of the user's, which may be async. */
  readonly isPlain: boolean;
  readonly argument: { metatype?: Type<unknown>; type: never; data?: string; schema?: never };
}

/** Takes one argument of a handler from its message. */
export type ParameterReader = (payload: unknown, context: SwarmContext) => unknown;

/** How a message becomes the arguments of its handler: at once, one by one, or later where a pipe is to run. */
export type CompiledParameters =
  | { readonly readers: readonly ParameterReader[] }
  | { argumentsOf(payload: unknown, context: SwarmContext): Promise<unknown[]> };

/** The pipes that apply to a handler, as its module resolves them. */
export interface ParameterPipes {
  /** Of the application, the class and the method: for every parameter but `@Ctx`. */
  readonly shared: PipeTransform[];
  /** Instances of those written at one parameter. */
  resolve(pipes: readonly unknown[]): PipeTransform[];
}

/** The parameters of a method that have decorators, by Nest's key `type:index`. */
export function parameterMetadata(cls: Type<object>, method: string): Array<[string, ParameterMetadata]> {
  const metadata = Reflect.getMetadata(ROUTE_ARGS_METADATA, cls, method) as
    Record<string, ParameterMetadata> | undefined;
  return Object.entries(metadata ?? {});
}

/**
 * Compiles the parameters of a handler: `@Payload`, `@Payload('field')`, `@Ctx`, `createParamDecorator`; a method
 * without any gets the message and the context, in this order. Pipes run as on a controller, except that pipes of the
 * class or the application leave `@Ctx` alone.
 */
export function compileParameters(
  cls: Type<object>,
  method: string,
  pipes: ParameterPipes,
): CompiledParameters {
  const types = Reflect.getMetadata(PARAMTYPES_METADATA, cls.prototype as object, method) as
    Array<Type<unknown>> | undefined;
  let decorated = parameterMetadata(cls, method);
  if (decorated.length === 0) {
    if (pipes.shared.length === 0) return { readers: [(payload) => payload, (_payload, context) => context] };
    decorated = [
      [`${RpcParamtype.PAYLOAD}:0`, { index: 0 }],
      [`${RpcParamtype.CONTEXT}:1`, { index: 1 }],
    ];
  }
  const parameters = decorated.map(([key, metadata]) =>
    compileParameter(key, metadata, types?.[metadata.index], pipes, cls, method),
  );
  const length = Math.max(...parameters.map(({ index }) => index)) + 1;
  if (parameters.every(({ isPlain }) => isPlain)) return plainArguments(parameters, length);
  return pipedArguments(parameters, length);
}

function plainArguments(parameters: readonly Parameter[], length: number): CompiledParameters {
  const readers = Array.from({ length }, (): ParameterReader => () => undefined);
  for (const { index, read } of parameters) readers[index] = read;
  return { readers };
}

function pipedArguments(parameters: readonly Parameter[], length: number): CompiledParameters {
  const consumer = new PipesConsumer();
  const argumentsOf = async (payload: unknown, context: SwarmContext): Promise<unknown[]> => {
    const args = Array.from<unknown>({ length });
    await Promise.all(
      parameters.map(async ({ index, read, pipes, argument }) => {
        const value = read(payload, context);
        args[index] = await (pipes.length === 0 ? value : consumer.apply(value, argument, pipes));
      }),
    );
    return args;
  };
  return { argumentsOf };
}

function compileParameter(
  key: string,
  metadata: ParameterMetadata,
  metatype: Type<unknown> | undefined,
  pipes: ParameterPipes,
  cls: Type<object>,
  method: string,
): Parameter {
  const { index, data, factory } = metadata;
  const own = pipes.resolve(metadata.pipes ?? []);
  const custom = key.includes(CUSTOM_ROUTE_ARGS_METADATA);
  const kind = custom ? key.slice(0, key.indexOf(':')) : Number(key.slice(0, key.indexOf(':')));
  const all = kind === (RpcParamtype.CONTEXT as number) ? own : pipes.shared.concat(own);
  return {
    index,
    read: custom ? customReader(factory, data, cls, method) : reader(kind as number, data),
    pipes: all,
    isPlain: all.length === 0 && !custom,
    argument: { metatype, type: kind as never, data: data as string, schema: metadata.schema as never },
  };
}

function reader(kind: number, data: unknown): ParameterReader {
  switch (kind) {
    case RpcParamtype.PAYLOAD as number:
      if (typeof data !== 'string' || data === '') return (payload) => payload;
      return (payload) => (payload as Record<string, unknown> | null | undefined)?.[data];
    case RpcParamtype.CONTEXT as number:
      return (_payload, context) => context;
    default:
      return () => undefined;
  }
}

function customReader(
  factory: ParameterMetadata['factory'],
  data: unknown,
  cls: Type<object>,
  method: string,
): ParameterReader {
  const callback = (cls.prototype as Record<string, (...args: unknown[]) => unknown>)[method];
  return (payload, context) => {
    const host = new ExecutionContextHost([payload, context], cls, callback);
    host.setType('swarm');
    return factory?.(data, host);
  };
}
