import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { request } from 'node:https';
import { join } from 'node:path';

import { messageOf } from '../errors/thrown.js';
import type { ResolvedKubernetesOptions } from './kubernetes-options.js';

/** For an answer to begin, and between two parts of it. */
const SILENCE_MS = 10_000;
/** The server ends a watch after this time, half to one and a half of it: not all nodes come again at once. */
const WATCH_S = 60;
/** More silence than a watch may have: its connection is gone without a word. */
const WATCH_SILENCE_MS = 100_000;
const PAGE = 500;
const MAX_PAGES = 8;
/** The largest object that Kubernetes stores has 1.5 MiB. */
const MAX_LINE_BYTES = 4_194_304;
const MAX_PAGE_BYTES = 33_554_432;
const MAX_ERROR_BYTES = 65_536;
const NEWLINE = 0x0a;

/** What is wanted is too old to be had: list anew. */
export class GoneError extends Error {}

/** All objects of a list, and from where on changes of them can be watched. */
export interface KubernetesList {
  readonly items: readonly unknown[];
  readonly resourceVersion: string;
}

/** A line of a watch. */
export interface WatchEvent {
  readonly type: string;
  readonly object: Readonly<Record<string, unknown>>;
}

/**
 * Lists and watches EndpointSlices over HTTPS, as described in "Kubernetes API Concepts: efficient detection of changes".
 * By `node:https`: `fetch` cannot be given the cluster's own authority for one connection.
 */
export class KubernetesApi {
  constructor(
    private readonly options: Pick<
      ResolvedKubernetesOptions,
      'labelSelector' | 'namespace' | 'apiServer' | 'folder'
    >,
    private readonly environment: NodeJS.ProcessEnv,
  ) {}

  /** @throws Error saying what is missing of what a pod has */
  async list(signal: AbortSignal): Promise<KubernetesList> {
    const items: unknown[] = [];
    let resourceVersion = '';
    let next = '';
    for (let page = 0; page < MAX_PAGES; page++) {
      const query = { limit: String(PAGE), ...(next && { continue: next }) };
      const answer = await this.ask(query, SILENCE_MS, signal);
      const { items: part, metadata } = parse(await textOf(answer, MAX_PAGE_BYTES)) as {
        items?: unknown;
        metadata?: { resourceVersion?: unknown; continue?: unknown };
      };
      if (!Array.isArray(part) || typeof metadata?.resourceVersion !== 'string')
        throw new Error('the API server answered with something that is no list');
      items.push(...(part as readonly unknown[]));
      resourceVersion = metadata.resourceVersion;
      next = typeof metadata.continue === 'string' ? metadata.continue : '';
      if (next === '') break;
    }
    return { items, resourceVersion };
  }

  /** Opens a watch; resolves once the server has agreed. Its events end when the server ends it, after a while. */
  async watch(resourceVersion: string, signal: AbortSignal): Promise<AsyncIterable<WatchEvent>> {
    const seconds = Math.round(WATCH_S * (0.5 + Math.random()));
    const query = {
      watch: '1',
      allowWatchBookmarks: 'true',
      resourceVersion,
      timeoutSeconds: String(seconds),
    };
    return eventsOf(await this.ask(query, WATCH_SILENCE_MS, signal));
  }

  private async ask(
    query: Record<string, string>,
    silenceMs: number,
    signal: AbortSignal,
  ): Promise<IncomingMessage> {
    const { labelSelector } = this.options;
    const [server, namespace, token, ca] = await Promise.all([
      this.server(),
      this.namespace(),
      this.read('token'),
      this.read('ca.crt'),
    ]);
    const path = `/apis/discovery.k8s.io/v1/namespaces/${encodeURIComponent(namespace)}/endpointslices`;
    const url = new URL(`${path}?${new URLSearchParams({ labelSelector, ...query }).toString()}`, server);
    const headers = { authorization: `Bearer ${token.trim()}`, accept: 'application/json' };
    const asked = request(url, { ca, headers, signal, agent: false, timeout: silenceMs });
    asked.on('timeout', () => asked.destroy(new Error(`the API server was silent for ${silenceMs} ms`)));
    asked.end();
    let answer: IncomingMessage;
    try {
      [answer] = (await once(asked, 'response')) as [IncomingMessage];
    } catch (error) {
      throw new Error(`the API server at ${server.host} cannot be reached: ${messageOf(error)}`, {
        cause: error,
      });
    }
    // What breaks an answer is seen by who reads it; the request would tell it again, with nobody to hear.
    asked.on('error', (error) => answer.destroy(error));
    const { statusCode = 0 } = answer;
    if (statusCode === 200) return answer;
    throw await refusalOf(answer, statusCode, namespace);
  }

  private server(): URL {
    const { apiServer } = this.options;
    if (apiServer) return apiServer;
    const { KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port = '443' } = this.environment;
    const url = `https://${host?.includes(':') ? `[${host}]` : host}:${port}`;
    if (!host || !URL.canParse(url))
      throw new Error(
        'this process runs in no pod: KUBERNETES_SERVICE_HOST does not name the API server; use another discovery here, or the option apiServer',
      );
    return new URL(url);
  }

  private async namespace(): Promise<string> {
    return this.options.namespace ?? (await this.read('namespace')).trim();
  }

  private async read(file: string): Promise<string> {
    const path = join(this.options.folder, file);
    try {
      return await readFile(path, 'utf8');
    } catch (error) {
      throw new Error(
        `${path} cannot be read (${messageOf(error)}): the pod needs its service account, with automountServiceAccountToken not false`,
        { cause: error },
      );
    }
  }
}

async function refusalOf(answer: IncomingMessage, status: number, namespace: string): Promise<Error> {
  const said = statusOf(await textOf(answer, MAX_ERROR_BYTES).catch(() => ''));
  if (status === 410) return new GoneError(said);
  const advice =
    status === 403
      ? `; bind the pod's service account to a Role that may list and watch endpointslices of discovery.k8s.io in namespace ${namespace}`
      : '';
  return new Error(`the API server answered ${status}: ${said}${advice}`);
}

/** What a `Status` of the API says, or the begin of whatever came instead. */
function statusOf(text: string): string {
  try {
    const { message } = JSON.parse(text) as { message?: unknown };
    if (typeof message === 'string') return message;
  } catch {
    // Something in between answered, as a proxy does, with a page of its own.
  }
  return text.slice(0, 200).replaceAll(/\s+/g, ' ') || 'without a reason';
}

async function textOf(answer: IncomingMessage, maxBytes: number): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > maxBytes) throw new Error(`the API server's answer has more than ${maxBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

async function* eventsOf(answer: IncomingMessage): AsyncGenerator<WatchEvent> {
  let rest: Buffer[] = [];
  let size = 0;
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    let from = 0;
    for (let end = chunk.indexOf(NEWLINE); end !== -1; end = chunk.indexOf(NEWLINE, from)) {
      const line = Buffer.concat([...rest, chunk.subarray(from, end)]).toString('utf8');
      rest = [];
      size = 0;
      from = end + 1;
      if (line.trim() !== '') yield eventOf(line);
    }
    if (from === chunk.length) continue;
    size += chunk.length - from;
    if (size > MAX_LINE_BYTES)
      throw new Error(`the API server sent a line of more than ${MAX_LINE_BYTES} bytes`);
    rest.push(chunk.subarray(from));
  }
}

/** @throws GoneError if what was watched from is too old */
function eventOf(line: string): WatchEvent {
  const { type, object } = parse(line) as Partial<WatchEvent>;
  if (typeof type !== 'string' || typeof object !== 'object' || object === null)
    throw new Error('the API server sent something that is no event');
  if (type !== 'ERROR') return { type, object };
  const said = typeof object['message'] === 'string' ? object['message'] : 'without a reason';
  if (object['code'] === 410) throw new GoneError(said);
  throw new Error(`the API server ended the watch: ${said}`);
}

function parse(text: string): object {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null) return value;
  } catch {
    // Told below, without what may be a page of text.
  }
  throw new Error('the API server sent something that is no JSON');
}
