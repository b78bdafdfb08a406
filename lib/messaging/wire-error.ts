// Carries the swarm's own errors over links, so that a caller sees the same class wherever the worker runs.
import {
  AlreadyRegisteredError,
  CallTimeoutError,
  LinkOverloadedError,
  MailboxFullError,
  NoNodeAvailableError,
  NodeUnavailableError,
  OperationTimeoutError,
  PayloadTooLargeError,
  RemoteError,
  type RemoteFailure,
  ShuttingDownError,
  SwarmError,
  UnknownPatternError,
  UnknownWorkerTypeError,
  UnserializableError,
  WorkerNotFoundError,
  WorkerStartError,
  WorkerTypeMismatchError,
} from '../errors/index.js';
import { isErrorLike, messageOf, nameOf } from '../errors/thrown.js';
import type { WireError } from '../transport/frame.js';
import type { RefFactory } from '../transport/payload.interface.js';

type Details = Readonly<Record<string, unknown>>;

/** What each class needs to be made again, by its code. The message is restored as it was. */
const REVIVERS: Readonly<
  Record<string, (details: Details, message: string, refs: RefFactory) => SwarmError>
> = {
  ERR_SWARM_ALREADY_REGISTERED: (d, _, refs) =>
    new AlreadyRegisteredError(refs.make(text(d['name']), text(d['type'])) as { name: string }),
  ERR_SWARM_NO_NODE_AVAILABLE: (_, message) => new NoNodeAvailableError(message),
  ERR_SWARM_WORKER_NOT_FOUND: (d) => new WorkerNotFoundError(text(d['workerName'])),
  ERR_SWARM_WORKER_START: (d) =>
    new WorkerStartError(text(d['workerName']), '', { cause: new RemoteError(failure(d['cause'])) }),
  ERR_SWARM_WORKER_TYPE_MISMATCH: (d) =>
    new WorkerTypeMismatchError(text(d['workerName']), text(d['expected']), text(d['actual'])),
  ERR_SWARM_UNKNOWN_WORKER_TYPE: (d) => new UnknownWorkerTypeError(text(d['workerType'])),
  ERR_SWARM_UNKNOWN_PATTERN: (d) => new UnknownPatternError(text(d['workerType']), text(d['pattern'])),
  ERR_SWARM_OPERATION_TIMEOUT: (d) => new OperationTimeoutError(text(d['operation']), Number(d['timeoutMs'])),
  ERR_SWARM_CALL_TIMEOUT: (d) => new CallTimeoutError(text(d['operation']), Number(d['timeoutMs'])),
  ERR_SWARM_REMOTE: (d) => new RemoteError(failure(d['remote'])),
  ERR_SWARM_NODE_UNAVAILABLE: (d) => new NodeUnavailableError(text(d['node'])),
  ERR_SWARM_MAILBOX_FULL: (d) => new MailboxFullError(text(d['workerName']), Number(d['limit'])),
  ERR_SWARM_LINK_OVERLOADED: (d) => new LinkOverloadedError(text(d['node'])),
  ERR_SWARM_PAYLOAD_TOO_LARGE: (d) =>
    new PayloadTooLargeError(text(d['what']), Number(d['bytes']), Number(d['maxBytes'])),
  ERR_SWARM_UNSERIALIZABLE: (d) => new UnserializableError(text(d['path']), text(d['reason'])),
  ERR_SWARM_SHUTTING_DOWN: () => new ShuttingDownError(),
};

/** Fields that only make sense on the node that threw. */
const LOCAL_FIELDS = new Set(['name', 'code', 'status', 'statusCode', 'expose', 'ref']);

export function toWireError(error: SwarmError): WireError {
  const details: Record<string, unknown> = {};
  for (const [field, value] of Object.entries(error)) if (!LOCAL_FIELDS.has(field)) details[field] = value;
  if (error instanceof AlreadyRegisteredError) {
    const { name, type } = error.ref as { name: string; type?: string };
    Object.assign(details, { name, type: type ?? '' });
  }
  if (error instanceof WorkerStartError) details['cause'] = failureOf(error.cause);
  return { code: error.code, message: error.message, details };
}

export function fromWireError({ code, message, details }: WireError, refs: RefFactory): SwarmError {
  const revive = REVIVERS[code];
  const error = revive ? revive(details ?? {}, message, refs) : new RemoteError({ name: code, message });
  error.message = message;
  return error;
}

/** What went wrong with a value that was to travel; `root` is how the value is called. */
export function asSwarmError(error: unknown, root: string): SwarmError {
  return error instanceof SwarmError ? error : new UnserializableError(root, messageOf(error));
}

/** Of what a user has thrown, so that it may throw again where it is looked at. */
function failureOf(cause: unknown): RemoteFailure {
  const message = messageOf(cause);
  try {
    if (cause instanceof RemoteError) return cause.remote;
    if (isErrorLike(cause)) return { name: nameOf(cause), message };
  } catch {
    // The message says so.
  }
  return { name: 'Error', message };
}

function failure(value: unknown): RemoteFailure {
  const remote = (value ?? {}) as Partial<RemoteFailure>;
  return { ...remote, name: text(remote.name), message: text(remote.message) };
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
