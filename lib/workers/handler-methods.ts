import type { Type } from '@nestjs/common';
import { MetadataScanner } from '@nestjs/core';
import { PatternHandler } from '@nestjs/microservices/enums/pattern-handler.enum.js';
import { PATTERN_HANDLER_METADATA, PATTERN_METADATA } from '@nestjs/microservices/constants.js';
import type { HandlerEntry } from './worker-definition.interface.js';
import { foreignDecoratorsOfClass, foreignDecoratorsOfMethod } from './foreign-decorators.js';
import { nameFault } from './name-rules.js';
import { HANDOFF_METADATA } from './worker-metadata.js';

/** A method that messages reach. */
export interface HandlerMethod {
  readonly name: string;
  readonly accepts: HandlerEntry['accepts'];
  /** What it is reached by: its patterns and its own name. */
  readonly keys: readonly string[];
}

/** What the decorators of a class say. */
export interface WorkerMethods {
  readonly handlers: readonly HandlerMethod[];
  /** Names of the `@OnHandoff` methods. */
  readonly phases: Readonly<Partial<Record<HandoffPhase, string>>>;
  readonly hasStart: boolean;
  readonly faults: readonly string[];
}

/** Moments in a worker's life at which a method of its class is called. */
const HANDOFF_PHASES = ['begin', 'end', 'conflict', 'die'] as const;
export type HandoffPhase = (typeof HANDOFF_PHASES)[number];

const scanner = new MetadataScanner();

/** Reads the handler and handoff methods of a class, its own and inherited ones, with all that is wrong with them. */
export function methodsOf(cls: Type<object>): WorkerMethods {
  const prototype = cls.prototype as Readonly<Record<string, unknown>>;
  const faults = foreignDecoratorsOfClass(cls).map((name) => foreignFault(cls.name, name));
  const handlers: HandlerMethod[] = [];
  const byPhase = new Map<unknown, string[]>();
  for (const name of scanner.getAllMethodNames(prototype)) {
    const method = prototype[name] as object;
    faults.push(
      ...foreignDecoratorsOfMethod(method).map((decorator) => foreignFault(`${cls.name}.${name}`, decorator)),
    );
    const handler = readHandler(cls.name, name, method, faults);
    if (handler) handlers.push(handler);
    const phases = (Reflect.getMetadata(HANDOFF_METADATA, method) ?? []) as readonly unknown[];
    for (const phase of phases) byPhase.set(phase, [...(byPhase.get(phase) ?? []), name]);
    if (handler && phases.length > 0) {
      faults.push(
        `${cls.name}.${name}: a message could run its @OnHandoff(${phases.map(quote).join(', ')}); handle the message by another method`,
      );
    }
  }
  faults.push(...phaseFaults(cls.name, byPhase), ...ambiguities(cls.name, handlers), ...unscannedFaults(cls));
  const phases = Object.fromEntries(HANDOFF_PHASES.map((phase) => [phase, byPhase.get(phase)?.[0]]));
  return { handlers, phases, hasStart: typeof prototype['onWorkerStart'] === 'function', faults };
}

/**
 * What Nest's scanner passes over, though decorators may stand there: a handler would be missing in silence, and a state
 * be lost with the first move.
 */
function unscannedFaults(cls: Type<object>): string[] {
  const symbols = valuesOf(cls.prototype as object, Object.getOwnPropertySymbols);
  const statics = valuesOf(cls, Object.getOwnPropertyNames);
  return [
    ...[...symbols].map(([key, value]) => [`[${String(key)}]`, 'needs a name', value] as const),
    ...[...statics].map(([key, value]) => [`.${String(key)}`, 'must not be static', value] as const),
  ].flatMap(([where, what, value]) => {
    if (typeof value !== 'function') return [];
    if (Reflect.hasMetadata(PATTERN_METADATA, value)) return [`${cls.name}${where}: a handler ${what}`];
    if (Reflect.hasMetadata(HANDOFF_METADATA, value))
      return [`${cls.name}${where}: an @OnHandoff method ${what}`];
    return [];
  });
}

/** Own ones and inherited ones; accessors have none, and are not run. */
function valuesOf(
  start: object,
  keysOf: (object: object) => readonly PropertyKey[],
): ReadonlyMap<PropertyKey, unknown> {
  const values = new Map<PropertyKey, unknown>();
  for (let one: object | null = start; one; one = Object.getPrototypeOf(one) as object | null) {
    for (const key of keysOf(one))
      if (!values.has(key)) values.set(key, Object.getOwnPropertyDescriptor(one, key)?.value);
  }
  return values;
}

function phaseFaults(className: string, byPhase: ReadonlyMap<unknown, readonly string[]>): string[] {
  const faults: string[] = [];
  for (const [phase, names] of byPhase) {
    const where = `@OnHandoff(${quote(phase)})`;
    if (!HANDOFF_PHASES.some((known) => known === phase)) {
      const known = HANDOFF_PHASES.map(quote).join(', ');
      faults.push(`${className}.${names[0]}: ${where} is no phase; it has ${known}`);
    } else if (names.length > 1) {
      faults.push(`${className}: ${where} stands on ${list(names)}; keep one and call the other from it`);
    }
  }
  return faults;
}

function readHandler(
  className: string,
  name: string,
  method: object,
  faults: string[],
): HandlerMethod | undefined {
  const patterns = Reflect.getMetadata(PATTERN_METADATA, method) as unknown[] | undefined;
  if (patterns === undefined) return undefined;
  const keys = new Set([name]);
  for (const pattern of patterns) {
    const fault = nameFault(pattern);
    if (fault === undefined) keys.add(pattern as string);
    else faults.push(`${className}.${name}: its pattern ${fault}; write @MessagePattern('${name}')`);
  }
  const accepts =
    Reflect.getMetadata(PATTERN_HANDLER_METADATA, method) === PatternHandler.EVENT ? 'event' : 'message';
  return { name, accepts, keys: [...keys] };
}

function ambiguities(className: string, handlers: readonly HandlerMethod[]): string[] {
  const byKey = new Map<string, string[]>();
  for (const { name, keys } of handlers) {
    for (const key of keys) byKey.set(key, [...(byKey.get(key) ?? []), name]);
  }
  return [...byKey]
    .filter(([, names]) => names.length > 1)
    .map(
      ([key, names]) =>
        `${className}: "${key}" reaches ${list(names)} (a handler is reached by its pattern and by its method name); rename one`,
    );
}

function foreignFault(where: string, decorator: string): string {
  return `${where}: ${decorator} would run on an instance of the worker that was never built; put it on a service`;
}

function quote(phase: unknown): string {
  return typeof phase === 'string' ? `'${phase}'` : String(phase);
}

function list(names: readonly string[]): string {
  return names.join(' and ');
}
