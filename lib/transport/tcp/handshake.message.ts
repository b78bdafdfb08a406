import { MalformedFrameError } from '../codec/malformed-frame.error.js';
import {
  MAX_WEIGHT,
  nodeIdOf,
  type Hello,
  type MemberAddress,
  type NodeInfo,
  type Refusal,
} from '../node-info.js';
import { UnitKind } from './wire.js';

/** One message of the handshake. */
export type HandshakeMessage =
  | {
      readonly kind:
        typeof UnitKind.Hello | typeof UnitKind.Welcome | typeof UnitKind.Nudge | typeof UnitKind.Self;
      readonly hello: Hello;
    }
  | { readonly kind: typeof UnitKind.Refuse; readonly refusal: Refusal; readonly peer: NodeInfo | undefined }
  | { readonly kind: typeof UnitKind.Confirm };

const REFUSALS: readonly Refusal['code'][] = [
  'cluster',
  'protocol',
  'stale-incarnation',
  'closing',
  'identity',
];
const STATUSES: readonly Hello['status'][] = ['joining', 'up', 'leaving'];

/** A message's body. JSON, because both versions of a rolling upgrade must read it, whatever they know. */
export function encodeHandshake(message: HandshakeMessage): Buffer {
  switch (message.kind) {
    case UnitKind.Confirm:
      return Buffer.alloc(0);
    case UnitKind.Refuse:
      return Buffer.from(JSON.stringify({ ...message.refusal, peer: message.peer }));
    default:
      return Buffer.from(JSON.stringify(message.hello));
  }
}

/** Checks everything, and takes over only what it knows. @throws MalformedFrameError */
export function decodeHandshake(kind: number, body: Buffer): HandshakeMessage {
  switch (kind) {
    case UnitKind.Confirm:
      return { kind };
    case UnitKind.Refuse: {
      const fields = new Fields(parse(body), 'Refuse');
      const incarnation = fields.optional('incarnation', () => fields.whole('incarnation'));
      const refusal: Refusal = {
        code: fields.oneOf('code', REFUSALS),
        message: fields.text('message'),
        ...(incarnation === undefined ? {} : { incarnation }),
      };
      return { kind, refusal, peer: fields.optional('peer', () => nodeOf(fields.child('peer'))) };
    }
    case UnitKind.Hello:
    case UnitKind.Welcome:
    case UnitKind.Nudge:
    case UnitKind.Self:
      return { kind, hello: helloOf(new Fields(parse(body), 'Hello')) };
    default:
      throw new MalformedFrameError('Handshake', 'kind', `${kind} is no part of a handshake`);
  }
}

function helloOf(fields: Fields): Hello {
  const protocol = fields.child('protocol');
  return {
    cluster: fields.text('cluster'),
    protocol: { min: protocol.whole('min'), max: protocol.whole('max') },
    node: nodeOf(fields.child('node')),
    status: fields.oneOf('status', STATUSES),
    members: fields.list('members', (member) => memberOf(new Fields(member, 'Hello.members'))),
  };
}

function nodeOf(fields: Fields): NodeInfo {
  const labels = Object.entries(fields.object('labels')).map(([key, value]) => {
    if (typeof value !== 'string' || key === '__proto__') return fields.fail('labels', 'must be texts');
    return [key, value] as const;
  });
  const node: NodeInfo = {
    ...memberOf(fields),
    name: fields.text('name'),
    weight: fields.share('weight'),
    labels: Object.fromEntries(labels),
    hosting: fields.flag('hosting'),
    types: fields.list('types', (type) =>
      typeof type === 'string' ? type : fields.fail('types', 'must be texts'),
    ),
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
