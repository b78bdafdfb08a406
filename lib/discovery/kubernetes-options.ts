import { SwarmConfigurationError } from '../errors/index.js';
import { shown } from '../errors/shown.js';
import { DEFAULT_PORT, isPort } from './peer-address.js';

const KNOWN = new Set(['service', 'labelSelector', 'namespace', 'port', 'apiServer', 'folder']);
/** Where Kubernetes mounts what a pod may show to its API. */
const ACCOUNT_FOLDER = '/var/run/secrets/kubernetes.io/serviceaccount';
/** What the nodes' port is called where no option says how. */
const PORT_NAME = 'swarm';
/** A label of names in DNS (RFC 1123), which services and namespaces have. */
const LABEL = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;
/** A name of a port (IANA service name, RFC 6335). */
const PORT_LABEL = /^(?=.{1,15}$)(?=.*[a-z])[a-z0-9]+(?:-[a-z0-9]+)*$/;
const MAX_SELECTOR = 1_024;

/** Settings of `kubernetes`. Either `service` or `labelSelector` is needed. */
export interface KubernetesOptions {
  /** The service in front of the pods, as `api-headless`: the slices that it has. */
  readonly service?: string | undefined;
  /** Which slices count, where they are not those of one service: `app=api,tier in (web, jobs)`. */
  readonly labelSelector?: string | undefined;
  /**
   * The namespace of the pods.
   *
   * @default that of this pod
   */
  readonly namespace?: string | undefined;
  /**
   * The port of the nodes: its number, or its name in the service.
   *
   * @default the one called `swarm`, or 7946 where the service has none of this name
   */
  readonly port?: number | string | undefined;
  /**
   * The API server, as `https://10.96.0.1:443`.
   *
   * @default the one that Kubernetes names to its pods (`KUBERNETES_SERVICE_HOST` and `_PORT`)
   */
  readonly apiServer?: string | undefined;
  /**
   * The folder with `token`, `ca.crt` and `namespace` of the service account. The files are read again when they are
   * needed, since Kubernetes replaces them.
   *
   * @default '/var/run/secrets/kubernetes.io/serviceaccount'
   */
  readonly folder?: string | undefined;
}

/** Options with every default filled in that does not depend on where the process runs. */
export interface ResolvedKubernetesOptions {
  /** What stands for it in logs. */
  readonly title: string;
  readonly labelSelector: string;
  readonly namespace: string | undefined;
  /** A number, or a name and the number that counts where no port has it. */
  readonly port: number | { readonly name: string; readonly otherwise: number | undefined };
  readonly apiServer: URL | undefined;
  readonly folder: string;
}

/** @throws SwarmConfigurationError with all that is wrong */
export function resolveKubernetesOptions(options: KubernetesOptions): ResolvedKubernetesOptions {
  if (typeof options !== 'object' || options === null)
    throw new SwarmConfigurationError([
      `kubernetes: must be given options, as kubernetes({ service: 'api-headless' }), not ${shown(options)}`,
    ]);
  const { service, labelSelector, namespace, port, apiServer, folder = ACCOUNT_FOLDER } = options;
  const server = apiServer === undefined ? undefined : urlOf(apiServer);
  const faults = [
    ...Object.keys(options).flatMap((key) =>
      KNOWN.has(key) ? [] : [`${shown(key)} is no option; write ${[...KNOWN].join(', ')}`],
    ),
    whichFault(service, labelSelector),
    isLabel(namespace)
      ? undefined
      : `namespace must be the name of a namespace, as "shop", not ${shown(namespace)}`,
    portFault(port),
    apiServer !== undefined && server === undefined
      ? `apiServer must be an address under https, as "https://10.96.0.1:443", not ${shown(apiServer)}`
      : undefined,
    typeof folder === 'string' && folder !== '' && !folder.includes('\0')
      ? undefined
      : `folder must be the path of a folder, as "${ACCOUNT_FOLDER}", not ${shown(folder)}`,
  ].filter((fault) => fault !== undefined);
  if (faults.length > 0) throw new SwarmConfigurationError(faults.map((fault) => `kubernetes: ${fault}`));
  return {
    title: service ?? labelSelector ?? '',
    labelSelector: labelSelector ?? `kubernetes.io/service-name=${service}`,
    namespace,
    port:
      typeof port === 'number'
        ? port
        : { name: port ?? PORT_NAME, otherwise: port === undefined ? DEFAULT_PORT : undefined },
    apiServer: server,
    folder,
  };
}

function whichFault(service: unknown, labelSelector: unknown): string | undefined {
  if (service === undefined && labelSelector === undefined)
    return 'service or labelSelector must say which pods are nodes, as service: "api-headless"';
  if (service !== undefined && labelSelector !== undefined)
    return 'service and labelSelector exclude each other; write one of them';
  if (service !== undefined)
    return typeof service === 'string' && LABEL.test(service)
      ? undefined
      : `service must be the name of a service without its namespace, as "api-headless", not ${shown(service)}`;
  if (typeof labelSelector !== 'string' || labelSelector.trim() === '')
    return `labelSelector must be a selector of labels, as "app=api", not ${shown(labelSelector)}`;
  return labelSelector.length > MAX_SELECTOR
    ? `labelSelector must not have more than ${MAX_SELECTOR} characters`
    : undefined;
}

function isLabel(value: unknown): boolean {
  return value === undefined || (typeof value === 'string' && LABEL.test(value));
}

function portFault(port: unknown): string | undefined {
  if (port === undefined || isPort(port)) return undefined;
  if (typeof port === 'string' && PORT_LABEL.test(port)) return undefined;
  return `port must be a whole number from 1 to 65535 or the name of a port of the service, not ${shown(port)}`;
}

/** The token goes there, so that it must be encrypted. */
function urlOf(text: unknown): URL | undefined {
  if (typeof text !== 'string' || !URL.canParse(text)) return undefined;
  const url = new URL(text);
  return url.protocol === 'https:' && url.username === '' && url.password === '' ? url : undefined;
}
