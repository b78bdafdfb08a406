// Asks another node about a name, and answers such questions; every question has a deadline (promise P7).
import {
  LinkOverloadedError,
  NodeUnavailableError,
  OperationTimeoutError,
  ShuttingDownError,
  SwarmError,
  WorkerStartError,
} from '../errors/index.js';
import { messageOf } from '../errors/thrown.js';
import type { Asker } from '../messaging/pending-replies.js';
import { toWireError } from '../messaging/wire-error.js';
import type { Row } from '../tracker/row.js';
import {
  FrameKind,
  type GroupFrame,
  type LocateFrame,
  type RecallFrame,
  type RegisterFrame,
  type ReserveFrame,
  type ResponseFrame,
  type UnregisterFrame,
} from '../transport/frame.js';
import type { NodeId } from '../transport/node-info.js';
import type { RegistrationParts } from './registration-parts.js';

/** What an asker is told whose answer the link has no room for. */
const OVERLOADED = 'ERR_SWARM_LINK_OVERLOADED';

type Question = RegisterFrame | ReserveFrame | UnregisterFrame | LocateFrame | RecallFrame | GroupFrame;
/** A question without what every question has. */
type Content<Q> = Q extends Question ? Omit<Q, 'id' | 'timeoutMs'> : never;

type QuestionParts = Pick<RegistrationParts, 'runtime' | 'transport' | 'questions' | 'stream'>;

/** What a question may come to, beside an error. */
export type Reply =
  | { readonly outcome: 'ok'; readonly row?: Row | undefined }
  | { readonly outcome: 'taken'; readonly row: Row; readonly error: SwarmError }
  /** `owner`: whom to ask in the answerer's view. */
  | { readonly outcome: 'elsewhere'; readonly owner?: NodeId | undefined };

/**
 * Resolves to the answer, or to `undefined` if the node is not to be reached: the link is not there, takes no more, or
 * breaks. Only in the last case `onItsWay` was called, and the node may have done what it was asked. Rejects with
 * `OperationTimeoutError` after `deadline`.
 */
export function ask(
  parts: QuestionParts,
  to: NodeId,
  content: Content<Question>,
  deadline: number,
  onItsWay?: () => void,
): Promise<ResponseFrame | undefined> {
  const { runtime, transport, questions } = parts;
  const now = runtime.now();
  const timeoutMs = Math.max(0, deadline - now);
  return new Promise((resolve, reject) => {
    const late = (): SwarmError =>
      new OperationTimeoutError(`the question to ${to} about "${content.name}"`, timeoutMs);
    const settle: Asker<ResponseFrame>['settle'] = (error, reply) =>
      reply || error instanceof NodeUnavailableError ? resolve(reply) : reject(error);
    const id = questions.add(to, timeoutMs, { late, settle }, now);
    const sent = transport.send(to, { ...content, id, timeoutMs } as Question);
    if (sent === 'queued') return onItsWay?.();
    questions.withdraw(id);
    return resolve(undefined);
  });
}

/** Answers with what `work` comes to, errors included. */
export function respond(parts: QuestionParts, to: NodeId, id: number, work: Promise<Reply>): void {
  work.then(
    (reply) => answer(parts, to, id, reply),
    (error: unknown) => answerError(parts, to, id, error),
  );
}

export function answer(parts: QuestionParts, to: NodeId, id: number, reply: Reply): void {
  const row = reply.outcome === 'elsewhere' ? undefined : reply.row;
  send(parts, to, {
    kind: FrameKind.Response,
    id,
    outcome: reply.outcome === 'taken' ? 'error' : reply.outcome,
    node: reply.outcome === 'elsewhere' ? (reply.owner ?? null) : (row?.node ?? null),
    row: row?.toWire() ?? null,
    error: reply.outcome === 'taken' ? toWireError(reply.error) : null,
  });
}

export function answerError(parts: QuestionParts, to: NodeId, id: number, error: unknown): void {
  const response = { kind: FrameKind.Response, id, node: null, row: null } as const;
  // Another node takes over what this one does not begin any more.
  if (error instanceof ShuttingDownError)
    return send(parts, to, { ...response, outcome: 'elsewhere', error: null });
  const failure =
    error instanceof SwarmError ? error : new WorkerStartError('', messageOf(error), { cause: error });
  return send(parts, to, { ...response, outcome: 'error', error: toWireError(failure) });
}

function send(parts: QuestionParts, to: NodeId, response: ResponseFrame): void {
  // What this node tracked before it answers, the asker must read before the answer.
  parts.stream.log.whenFlushed(() => {
    const sent = parts.transport.send(to, response);
    if (sent === 'full' && response.error?.code !== OVERLOADED)
      answerError(parts, to, response.id, new LinkOverloadedError(to));
  });
}
