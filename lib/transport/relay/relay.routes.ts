import { FrameKind, type RelayControlFrame, type RelayFrame } from '../frame.js';
import type { NodeId } from '../node-info.js';
import type { Transport } from '../transport.interface.js';

/** Relayed links that one node passes on; more are refused. */
const MAX_ROUTES = 4_096;

/** What a node passes on for two others that do not reach each other: nothing of a link that it has not seen opened. */
export class RelayRoutes {
  private readonly routes = new Map<
    string,
    { readonly ends: readonly [NodeId, NodeId]; readonly link: number }
  >();
  relayed = 0;

  constructor(
    private readonly inner: Transport,
    private readonly isDirect: (peer: NodeId) => boolean,
  ) {}

  /** A frame that is for another node. Only who has sent it may be its origin, and only a link of this node's own carries it on. */
  pass(from: NodeId, frame: RelayFrame | RelayControlFrame): void {
    const { to, link } = frame;
    if (frame.from !== from || !this.isDirect(from)) return;
    const key = keyOf(from, to, link);
    const step = frame.kind === FrameKind.RelayControl ? frame.step : undefined;
    const opens = step === 'open' && this.isDirect(to) && this.routes.size < MAX_ROUTES;
    if (opens) this.routes.set(key, { ends: [from, to], link });
    if (!this.routes.has(key)) {
      if (step !== 'close') this.tellClosed(from, to, link);
      return;
    }
    if (step === 'close') this.routes.delete(key);
    this.relayed++;
    if (this.inner.send(to, frame) === 'queued') return;
    // What is left out would break the order that a link promises: nothing of this link passes any more.
    this.routes.delete(key);
    this.tellClosed(from, to, link);
    this.tellClosed(to, from, link);
  }

  /** The own link to a node is lost: whoever reached it by way of this one is told. */
  lost(peer: NodeId): void {
    for (const [key, { ends, link }] of [...this.routes]) {
      if (!ends.includes(peer)) continue;
      this.routes.delete(key);
      this.tellClosed(ends[0] === peer ? ends[1] : ends[0], peer, link);
    }
  }

  private tellClosed(end: NodeId, other: NodeId, link: number): void {
    const closed = { from: other, to: end, link, step: 'close', hello: null, refusal: null } as const;
    this.inner.send(end, { kind: FrameKind.RelayControl, ...closed });
  }
}

function keyOf(a: NodeId, b: NodeId, link: number): string {
  return a < b ? `${a} ${b} ${link}` : `${b} ${a} ${link}`;
}
