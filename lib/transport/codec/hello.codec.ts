// What nodes say of themselves before they are linked, as JSON: both versions of a rolling upgrade must read it, whatever
// they know. Checks everything, and takes over only what it knows.
import {
  MAX_WEIGHT,
  nodeIdOf,
  type Hello,
  type MemberAddress,
  type NodeInfo,
  type Refusal,
  type RefusalCode,
} from '../node-info.js';
import { MalformedFrameError } from './malformed-frame.error.js';

const REFUSALS: readonly RefusalCode[] = [
  'cluster',
  'protocol',
  'stale-incarnation',
  'closing',
  'identity',
  'fenced',
  'ignored',
];
const STATUSES: readonly Hello['status'][] = ['joining', 'up', 'leaving'];

/** A hello as it came from outside, checked. @throws MalformedFrameError */
export function readHello(body: Buffer): Hello {
  return helloOf(new Fields(parse(body), 'Hello'));
}

/** What a node says of itself as it came from outside, checked. @throws MalformedFrameError */
export function readNodeInfo(body: Buffer): NodeInfo {
  return nodeOf(new Fields(parse(body), 'NodeInfo'));
}

/** A refusal as it came from outside, checked. @throws MalformedFrameError */
export function readRefusal(body: Buffer): Refusal {
  return refusalOf(new Fields(parse(body), 'Refuse'));
}

/** A refusal with what its sender says of itself, if it does. @throws MalformedFrameError */
export function readRefusalOfPeer(body: Buffer): { refusal: Refusal; peer: NodeInfo | undefined } {
  const fields = new Fields(parse(body), 'Refuse');
  return { refusal: refusalOf(fields), peer: fields.optional('peer', () => nodeOf(fields.child('peer'))) };
}

function helloOf(fields: Fields): Hello {
  const protocol = fields.child('protocol');
  return {
    cluster: fields.text('cluster'),
    protocol: { min: protocol.whole('min'), max: protocol.whole('max') },
    node: nodeOf(fields.child('node')),
    status: fields.oneOf('status', STATUSES),
    roll: fields.whole('roll'),
  };
}

function refusalOf(fields: Fields): Refusal {
  const incarnation = fields.optional('incarnation', () => fields.whole('incarnation'));
  const about = fields.optional('about', () => fields.text('about'));
  return {
    code: fields.oneOf('code', REFUSALS),
    message: fields.text('message'),
    ...(incarnation !== undefined && { incarnation }),
    ...(about !== undefined && { about }),
  };
}

function nodeOf(fields: Fields): NodeInfo {
  const labels = Object.entries(fields.object('labels')).map(([key, value]) => {
    if (typeof value !== 'string' || key === '__proto__') return fields.fail('labels', 'must be texts');
    return [key, value] as const;
  });
  const quorums = Object.entries(fields.object('quorums')).map(([type, size]) => {
    if (!Number.isSafeInteger(size) || Number(size) < 1 || type === '__proto__')
      return fields.fail('quorums', 'must be positive whole numbers');
    return [type, Number(size)] as const;
  });
  const node: NodeInfo = {
    ...memberOf(fields),
    name: fields.text('name'),
    firstIncarnation: fields.whole('firstIncarnation'),
    leaseMs: fields.whole('leaseMs'),
    weight: fields.share('weight'),
    labels: Object.fromEntries(labels),
    hosting: fields.flag('hosting'),
    types: fields.list('types', (type) =>
      typeof type === 'string' ? type : fields.fail('types', 'must be texts'),
    ),
    quorums: Object.fromEntries(quorums),
  };
  if (node.id !== nodeIdOf(node.name, node)) fields.fail('id', 'does not follow from its name and address');
  return node;
}

function memberOf(fields: Fields): MemberAddress {
  const port = fields.whole('port');
  if (port > 65_535) fields.fail('port', `${port} is no port`);
  return { id: fields.text('id'), host: fields.text('host'), port, incarnation: fields.whole('incarnation') };
}

function parse(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'));
  } catch {
    throw new MalformedFrameError('Handshake', 'body', 'is no JSON');
  }
}

/** Reads the fields of an object that came from outside. */
class Fields {
  private readonly fields: Readonly<Record<string, unknown>>;

  constructor(
    value: unknown,
    private readonly frame: string,
  ) {
    if (typeof value !== 'object' || value === null)
      throw new MalformedFrameError(frame, 'value', 'is no object');
    this.fields = value as Record<string, unknown>;
  }

  fail(field: string, reason: string): never {
    throw new MalformedFrameError(this.frame, field, reason);
  }

  text(field: string): string {
    const value = this.fields[field];
    if (typeof value !== 'string' || value.length === 0) return this.fail(field, 'must be a text');
    return value.length <= 4096 ? value : this.fail(field, `has ${value.length} characters`);
  }

  number(field: string): number {
    const value = this.fields[field];
    return typeof value === 'number' ? value : this.fail(field, 'must be a number');
  }

  whole(field: string): number {
    const value = this.number(field);
    return Number.isSafeInteger(value) && value >= 0 ? value : this.fail(field, 'must be a whole number');
  }

  /** A peer that claims more would have this node build a ring that fills its memory. */
  share(field: string): number {
    const value = this.number(field);
    return value > 0 && value <= MAX_WEIGHT
      ? value
      : this.fail(field, `must be above 0 and up to ${MAX_WEIGHT}`);
  }

  flag(field: string): boolean {
    const value = this.fields[field];
    return typeof value === 'boolean' ? value : this.fail(field, 'must be true or false');
  }

  oneOf<T extends string>(field: string, words: readonly T[]): T {
    return (
      words.find((word) => word === this.fields[field]) ??
      this.fail(field, `must be one of ${words.join(', ')}`)
    );
  }

  list<T>(field: string, item: (value: unknown) => T): T[] {
    const value = this.fields[field];
    return Array.isArray(value) ? value.map((one: unknown) => item(one)) : this.fail(field, 'must be a list');
  }

  object(field: string): Record<string, unknown> {
    const value = this.fields[field];
    if (typeof value !== 'object' || value === null) return this.fail(field, 'must be an object');
    return value as Record<string, unknown>;
  }

  child(field: string): Fields {
    return new Fields(this.fields[field], `${this.frame}.${field}`);
  }

  optional<T>(field: string, read: () => T): T | undefined {
    return this.fields[field] === undefined ? undefined : read();
  }
}
