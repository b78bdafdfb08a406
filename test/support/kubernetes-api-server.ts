// What the API server of Kubernetes answers for EndpointSlices, as recorded from 1.31: list in pages, watch with
// bookmarks, and 410 Gone both as a status and inside of a watch.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { Authority } from './certificates.js';

export interface TestEndpoint {
  readonly address: string;
  readonly ready?: boolean;
}

interface Slice {
  readonly kind: 'EndpointSlice';
  readonly apiVersion: 'discovery.k8s.io/v1';
  readonly metadata: {
    readonly name: string;
    readonly namespace: string;
    readonly labels: Readonly<Record<string, string>>;
    readonly resourceVersion: string;
  };
  readonly addressType: string;
  readonly endpoints: readonly object[] | null;
  readonly ports: readonly object[] | null;
}

interface Change {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
  readonly version: number;
  readonly object: Slice;
}

interface Watch {
  readonly service: string;
  readonly response: ServerResponse;
}

const PATH = '/apis/discovery.k8s.io/v1/namespaces/shop/endpointslices';
const SELECTOR = /^kubernetes\.io\/service-name=(?<service>.+)$/;

export class KubernetesApiServer {
  /** How a list or a watch was asked for, in order. */
  readonly asked: ('list' | 'watch')[] = [];
  /** Answers of this status to everything, instead of what is asked for. */
  refusing: number | undefined;
  token = 'token 1';
  private readonly watches = new Set<Watch>();
  private readonly slices = new Map<string, Slice>();
  private history: Change[] = [];
  private version = 100;
  private compacted = 0;

  private constructor(
    private readonly server: Server,
    private readonly authority: Authority,
    readonly url: string,
    /** What a pod finds of its service account. */
    readonly folder: string,
  ) {
    this.mount();
    server.on('request', (request: IncomingMessage, response: ServerResponse) =>
      this.answer(request, response),
    );
  }

  static async start(authority: Authority): Promise<KubernetesApiServer> {
    const server = createServer(authority.issue('IP:127.0.0.1'));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const folder = mkdtempSync(join(tmpdir(), 'nestjs-swarm-account-'));
    return new KubernetesApiServer(server, authority, `https://127.0.0.1:${port}`, folder);
  }

  get openWatches(): number {
    return this.watches.size;
  }

  /** Kubernetes replaces the token of a pod; the old one is soon worth nothing. */
  rotateToken(): void {
    this.token = `token ${Number(this.token.split(' ')[1]) + 1}`;
    this.mount();
  }

  put(
    name: string,
    endpoints: readonly TestEndpoint[] | null,
    ports: readonly { readonly name?: string; readonly port: number }[] | null = [
      { name: 'swarm', port: 7946 },
    ],
    service = 'api',
  ): void {
    const type = this.slices.has(name) ? 'MODIFIED' : 'ADDED';
    const object = this.slice(name, service, endpoints, ports);
    this.slices.set(name, object);
    this.change({ type, version: this.version, object });
  }

  delete(name: string): void {
    const old = this.slices.get(name);
    if (!old) throw new Error(`there is no slice ${name}`);
    this.slices.delete(name);
    const version = ++this.version;
    const object = { ...old, metadata: { ...old.metadata, resourceVersion: String(version) } };
    this.change({ type: 'DELETED', version, object });
  }

  /** Forgets what was changed until now, as etcd does after some minutes: an older version cannot be watched from. */
  compact(): void {
    this.compacted = ++this.version;
    this.history = [];
  }

  /** Says in every open watch how far it is, though nothing has changed that it shows. */
  bookmark(): void {
    const metadata = { resourceVersion: String(++this.version) };
    for (const { response } of this.watches) send(response, { type: 'BOOKMARK', object: { metadata } });
  }

  /** As when their time is over. */
  endWatches(): void {
    for (const { response } of this.watches) response.end();
  }

  /** As when the API server is killed. */
  breakWatches(): void {
    for (const { response } of this.watches) response.destroy();
  }

  /** What was asked for is too old, which is found out only while it is sent. */
  expireWatches(): void {
    this.sayInWatches({ type: 'ERROR', object: gone() });
  }

  /** Something that is no event. */
  sayInWatches(line: object | string): void {
    for (const { response } of this.watches) {
      if (typeof line === 'string') response.write(line);
      else send(response, line);
    }
  }

  async end(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
    rmSync(this.folder, { recursive: true, force: true });
  }

  private mount(): void {
    writeFileSync(join(this.folder, 'token'), this.token);
    writeFileSync(join(this.folder, 'ca.crt'), this.authority.cert);
    writeFileSync(join(this.folder, 'namespace'), 'shop');
  }

  private slice(
    name: string,
    service: string,
    endpoints: readonly TestEndpoint[] | null,
    ports: Slice['ports'],
  ): Slice {
    const first = endpoints?.[0]?.address ?? '';
    return {
      kind: 'EndpointSlice',
      apiVersion: 'discovery.k8s.io/v1',
      metadata: {
        name,
        namespace: 'shop',
        labels: { 'kubernetes.io/service-name': service },
        resourceVersion: String(++this.version),
      },
      addressType: first.includes(':') ? 'IPv6' : 'IPv4',
      endpoints:
        endpoints?.map(({ address, ready = true }, index) => ({
          addresses: [address],
          conditions: { ready, serving: ready, terminating: false },
          targetRef: { kind: 'Pod', namespace: 'shop', name: `${name}-${index}` },
        })) ?? null,
      ports: ports?.map((port) => ({ protocol: 'TCP', ...port })) ?? null,
    };
  }

  private change(change: Change): void {
    this.history.push(change);
    for (const watch of this.watches) this.tell(watch, change);
  }

  private tell({ service, response }: Watch, { type, object }: Change): void {
    if (object.metadata.labels['kubernetes.io/service-name'] === service) send(response, { type, object });
  }

  private answer(request: IncomingMessage, response: ServerResponse): void {
    const url = new URL(request.url ?? '/', this.url);
    const { refusing, token } = this;
    if (refusing !== undefined) return status(response, refusing, 'endpointslices is forbidden');
    if (request.headers.authorization !== `Bearer ${token}`) return status(response, 401, 'Unauthorized');
    const service = SELECTOR.exec(url.searchParams.get('labelSelector') ?? '')?.groups?.['service'];
    if (url.pathname !== PATH || service === undefined) return status(response, 404, 'not found');
    if (url.searchParams.get('watch') === '1') this.watch(url, service, response);
    else this.list(url, service, response);
  }

  private list(url: URL, service: string, response: ServerResponse): void {
    this.asked.push('list');
    const all = [...this.slices.values()].filter(
      ({ metadata }) => metadata.labels['kubernetes.io/service-name'] === service,
    );
    const from = Number(url.searchParams.get('continue') ?? 0);
    const until = from + Number(url.searchParams.get('limit') ?? all.length);
    const metadata = {
      resourceVersion: String(this.version),
      ...(until < all.length && { continue: String(until), remainingItemCount: all.length - until }),
    };
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify({ kind: 'EndpointSliceList', metadata, items: all.slice(from, until) }));
  }

  private watch(url: URL, service: string, response: ServerResponse): void {
    this.asked.push('watch');
    const from = Number(url.searchParams.get('resourceVersion'));
    if (from < this.compacted) return void response.writeHead(410).end(JSON.stringify(gone()));
    const watch = { service, response };
    response.writeHead(200, { 'content-type': 'application/json' });
    response.flushHeaders();
    this.watches.add(watch);
    response.on('close', () => this.watches.delete(watch));
    for (const change of this.history) if (change.version > from) this.tell(watch, change);
  }
}

function send(response: ServerResponse, event: object): void {
  response.write(`${JSON.stringify(event)}\n`);
}

function status(response: ServerResponse, code: number, message: string): void {
  response.writeHead(code, { 'content-type': 'application/json' });
  response.end(JSON.stringify({ kind: 'Status', status: 'Failure', message, code }));
}

function gone(): object {
  return {
    kind: 'Status',
    status: 'Failure',
    reason: 'Expired',
    message: 'too old resource version: 100 (200)',
    code: 410,
  };
}
