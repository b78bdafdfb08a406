import type { RemoteFailure } from '../errors/index.js';
import { isErrorLike, messageOf, nameOf } from '../errors/thrown.js';

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

function describe(error: unknown, withStack: boolean): RemoteFailure {
  if (error === null || (typeof error !== 'object' && typeof error !== 'function')) {
    return { name: 'Error', message: messageOf(error), payload: error };
  }
  if (!isErrorLike(error)) {
    return { name: nameOf(error), message: messageOf(error), payload: error, ...codeOf(error) };
  }
  return {
    name: nameOf(error),
    message: String(error.message),
    ...codeOf(error),
    ...nestFieldsOf(error),
    ...(withStack && typeof error.stack === 'string' ? { stack: error.stack } : {}),
  };
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
