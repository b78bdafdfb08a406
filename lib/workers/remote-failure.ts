import type { RemoteFailure } from '../errors/index.js';

/** Most characters of a thrown object that end up in a message. */
const MESSAGE_CHARS = 200;

/**
 * What a handler threw, in the form that travels to the caller. Never throws itself, whatever is handed in.
 *
 * Nest's exceptions are recognised by their methods, not by their class: a handler may have its own copy of Nest.
 *
 * @param withStack whether the stack goes along (option `debug`)
 */
export function toRemoteFailure(error: unknown, withStack: boolean): RemoteFailure {
  try {
    return describe(error, withStack);
  } catch {
    return { name: 'Error', message: 'the handler threw something that cannot be described' };
  }
}

/** The message of whatever was thrown; never throws itself, as `String` does of some objects. */
export function reasonOf(error: unknown): string {
  return toRemoteFailure(error, false).message;
}

function describe(error: unknown, withStack: boolean): RemoteFailure {
  if (error === null || (typeof error !== 'object' && typeof error !== 'function')) {
    return { name: 'Error', message: String(error), payload: error };
  }
  if (!isErrorLike(error)) {
    return { name: nameOf(error), message: messageOfObject(error), payload: error, ...codeOf(error) };
  }
  return {
    name: nameOf(error),
    message: String(error.message),
    ...codeOf(error),
    ...nestFieldsOf(error),
    ...(withStack && typeof error.stack === 'string' ? { stack: error.stack } : {}),
  };
}

interface ErrorLike {
  readonly message: unknown;
  readonly stack?: unknown;
}

/** Also errors of another realm (a vm context, a jest sandbox), which are not `instanceof Error`. */
function isErrorLike(value: object): value is ErrorLike {
  return value instanceof Error || Object.prototype.toString.call(value) === '[object Error]';
}

function nameOf(error: object): string {
  const constructorName: unknown = (error.constructor as { name?: unknown } | undefined)?.name;
  const own: unknown = (error as { name?: unknown }).name;
  // RpcException and many own classes leave `name` at 'Error'; their class says more.
  if (typeof own === 'string' && own !== '' && own !== 'Error') return own;
  return typeof constructorName === 'string' && constructorName !== '' ? constructorName : 'Error';
}

function messageOfObject(error: object): string {
  const message: unknown = (error as { message?: unknown }).message;
  if (typeof message === 'string') return message;
  const text = safeJson(error) ?? Object.prototype.toString.call(error);
  return text.length > MESSAGE_CHARS ? `${text.slice(0, MESSAGE_CHARS)}…` : text;
}

function safeJson(value: object): string | undefined {
  try {
    return JSON.stringify(value);
  } catch {
    return undefined;
  }
}

function codeOf(error: object): { code?: string | number } {
  const code: unknown = (error as { code?: unknown }).code;
  return typeof code === 'string' || typeof code === 'number' ? { code } : {};
}

function nestFieldsOf(error: object): { statusCode?: number; payload?: unknown } {
  const { getStatus, getResponse, getError } = error as Readonly<Record<string, unknown>>;
  if (typeof getStatus === 'function' && typeof getResponse === 'function') {
    const statusCode: unknown = getStatus.call(error);
    const payload: unknown = getResponse.call(error);
    return typeof statusCode === 'number' ? { statusCode, payload } : { payload };
  }
  if (typeof getError === 'function') return { payload: getError.call(error) as unknown };
  return {};
}
