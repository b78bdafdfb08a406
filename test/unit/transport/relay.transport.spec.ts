import { describe, expect, it } from 'vitest';
import { FrameKind, type Frame, type RelayControlFrame } from '../../../lib/transport/frame.js';
import { RelayTransport } from '../../../lib/transport/relay/relay.transport.js';
import type { SendResult, Transport } from '../../../lib/transport/transport.interface.js';
import { type MemoryNode, TestNetwork } from './support/memory-node.js';

interface RelayNode {
  readonly node: MemoryNode;
  readonly relay: RelayTransport;
  /** What it says of relayed links. */
  readonly said: string[];
  /** What it has sent about relayed links: the step and the number of the link. */
  readonly steps: string[];
  /** Peers whose links take nothing more. */
  readonly full: Set<string>;
}

class RelayNetwork extends TestNetwork {
  async relayNode(name: string, port: number): Promise<RelayNode> {
    const said: string[] = [];
    const steps: string[] = [];
    const full = new Set<string>();
    const made: RelayTransport[] = [];
    const node = await this.node(name, port, (inner, runtime) => {
      const send = inner.send.bind(inner);
      inner.send = (to: string, frame: Frame): SendResult => {
        if (frame.kind === FrameKind.RelayControl) steps.push(`${frame.step} ${frame.link}`);
        return full.has(to) ? 'full' : send(to, frame);
      };
      const transport = new RelayTransport(inner, {
        runtime,
        relayed: (peer, via) => void said.push(`${peer[0]} by way of ${via[0]}`),
        relayEnded: (peer, via, reason) => void said.push(`${peer[0]} by way of ${via[0]} ended: ${reason}`),
      });
      made.push(transport);
      return transport;
    });
    return { node, relay: made[0]!, said, steps, full };
  }

  /** `a` and `b`, whose stories are empty, do not reach each other and have links to `c`. */
  async triangle(): Promise<Record<'a' | 'b' | 'c', RelayNode>> {
    const [a, b, c] = [
      await this.relayNode('a', 1),
      await this.relayNode('b', 2),
      await this.relayNode('c', 3),
    ];
    this.network.cut(a.node.info.id, b.node.info.id);
    for (const one of [a, b]) one.relay.dial(c.node.info);
    await this.scheduler.advance(10);
    for (const { node } of [a, b, c]) node.story.length = 0;
    return { a, b, c };
  }

  /** As `triangle`, with a relayed link between the two that `a` has opened. */
  async relayed(): Promise<Record<'a' | 'b' | 'c', RelayNode>> {
    const nodes = await this.triangle();
    const { a, b, c } = nodes;
    a.relay.relay(b.node.info.id, c.node.info.id);
    await this.scheduler.advance(20);
    expect([a.node.story, b.node.story, c.node.story]).toEqual([['opened b'], ['opened a'], []]);
    for (const { node } of [a, b]) node.story.length = 0;
    return nodes;
  }
}

const controls = (transport: Transport, to: string, frame: Omit<RelayControlFrame, 'kind'>): SendResult =>
  transport.send(to, { kind: FrameKind.RelayControl, ...frame });

describe('a link by way of another node', () => {
  it('is opened by both sides, carries frames in order, and looks like any other', async () => {
    const net = new RelayNetwork();
    const { a, b, c } = await net.relayed();
    expect([a.relay.viaOf(b.node.info.id), b.relay.viaOf(a.node.info.id)]).toEqual([
      c.node.info.id,
      c.node.info.id,
    ]);
    for (let id = 0; id < 3; id++) {
      a.node.ping(b.node, id);
      b.node.ping(a.node, id);
    }
    const ids = [b.node.info.id, c.node.info.id];
    expect(a.relay.broadcast(ids, { kind: FrameKind.Pong, id: 3, view: 1 })).toEqual([]);
    await net.scheduler.advance(10);
    expect(b.node.story).toEqual([0, 1, 2, 3].map((id) => `frame a ${id}`));
    expect(a.node.story).toEqual([0, 1, 2].map((id) => `frame b ${id}`));
    expect(c.node.story).toEqual(['frame a 3']);
    expect(a.relay.inspect().links.find(({ via }) => via)).toMatchObject({ peer: b.node.info.id });
    expect(c.relay.inspect().counters['frames-relayed']).toBe(3 + 7);
    expect([a.said, b.said, c.said]).toEqual([['b by way of c'], ['a by way of c'], []]);
  });

  it('gives way to one of its own', async () => {
    const net = new RelayNetwork();
    const { a, b } = await net.relayed();
    net.network.heal();
    a.relay.dial(b.node.info);
    await net.scheduler.advance(10);
    expect(a.node.story).toEqual(['closed b replaced', 'opened b', 'dialed linked']);
    expect(b.node.story).toEqual(['closed a replaced', 'opened a']);
    expect(a.relay.viaOf(b.node.info.id)).toBe(undefined);
    a.node.ping(b.node, 9);
    await net.scheduler.advance(10);
    expect(b.node.story.at(-1)).toBe('frame a 9');
    expect(a.said.at(-1)).toBe('b by way of c ended: it is reached directly again');
  });

  it('is forgotten by the node between when one of its own has taken its place, once both ends have that', async () => {
    const net = new RelayNetwork();
    const { a, b, c } = await net.relayed();
    const link = a.steps[0]!.replace('open ', '');
    net.network.heal();
    a.relay.dial(b.node.info);
    await net.scheduler.advance(2_000);
    expect([a.steps.at(-1), b.steps.at(-1)]).toEqual([`close ${link}`, `close ${link}`]);
    expect(b.node.story).toEqual(['closed a replaced', 'opened a']);
    // The word of the second end is about nothing any more.
    const { 'frames-relayed': relayed } = c.relay.inspect().counters;
    expect(relayed).toBe(4);
  });

  it('takes the place of one that its node has just closed, and the kernel hears of both in order', async () => {
    const net = new RelayNetwork();
    const { a, b, c } = await net.relayed();
    net.network.heal();
    a.relay.dial(b.node.info);
    await net.scheduler.advance(10);
    for (const { node } of [a, b]) node.story.length = 0;
    a.relay.disconnect(b.node.info.id, 'silent');
    a.relay.relay(b.node.info.id, c.node.info.id);
    expect(a.node.story).toEqual([]);
    await net.scheduler.advance(20);
    expect(a.node.story).toEqual(['closed b disconnected', 'opened b']);
    expect(b.node.story).toEqual(['closed a closed', 'opened a']);
    expect(a.relay.viaOf(b.node.info.id)).toBe(c.node.info.id);
  });

  it('is lost on both sides when the node between is', async () => {
    const net = new RelayNetwork();
    const { a, b, c } = await net.relayed();
    c.relay.disconnect(a.node.info.id, 'gone');
    await net.scheduler.advance(10);
    expect(a.node.story).toEqual(['closed b reset', 'closed c closed']);
    expect(b.node.story).toEqual(['closed a closed']);
    expect(a.relay.send(b.node.info.id, { kind: FrameKind.Pong, id: 1, view: 1 })).toBe('unlinked');
  });

  it('is lost when this node closes the one to the node between, and the kernel hears it afterwards', async () => {
    const net = new RelayNetwork();
    const { a, b, c } = await net.relayed();
    a.relay.disconnect(c.node.info.id, 'gone');
    expect(a.node.story).toEqual([]);
    await net.scheduler.advance(10);
    expect(a.node.story).toEqual(['closed b reset', 'closed c disconnected']);
    expect(b.node.story).toEqual(['closed a closed']);
  });

  it('ends for both when one side closes it', async () => {
    const net = new RelayNetwork();
    const { a, b } = await net.relayed();
    b.relay.disconnect(a.node.info.id, 'enough');
    expect(b.node.story).toEqual([]);
    await net.scheduler.advance(10);
    expect([a.node.story, b.node.story]).toEqual([['closed b closed'], ['closed a disconnected']]);
  });

  it('is opened once when both sides open it in one instant', async () => {
    const net = new RelayNetwork();
    const { a, b, c } = await net.triangle();
    a.relay.relay(b.node.info.id, c.node.info.id);
    b.relay.relay(a.node.info.id, c.node.info.id);
    await net.scheduler.advance(20);
    a.node.ping(b.node, 1);
    b.node.ping(a.node, 2);
    await net.scheduler.advance(2_000);
    expect(a.node.story).toEqual(['opened b', 'frame b 2']);
    expect(b.node.story).toEqual(['opened a', 'frame a 1']);
  });

  it.each(['a', 'b'] as const)(
    'is opened once, whenever the other side wants it too: %s first',
    async (name) => {
      for (let laterMs = 0; laterMs < 15; laterMs++) {
        const net = new RelayNetwork();
        const { a, b, c } = await net.triangle();
        const [first, second] = name === 'a' ? [a, b] : [b, a];
        first.relay.relay(second.node.info.id, c.node.info.id);
        await net.scheduler.advance(laterMs);
        second.relay.relay(first.node.info.id, c.node.info.id);
        await net.scheduler.advance(2_000);
        expect([a.node.story, b.node.story], `${laterMs} ms later`).toEqual([['opened b'], ['opened a']]);
      }
    },
  );

  it('is refused by the reason of the other side, which the kernel is told', async () => {
    const net = new RelayNetwork();
    const { a, b, c } = await net.triangle();
    b.node.refusal = { code: 'fenced', message: 'you were not heard' };
    a.relay.relay(b.node.info.id, c.node.info.id);
    await net.scheduler.advance(10);
    expect(a.node.story).toEqual(['dialed rejected']);
    expect(a.node.outcomes.at(-1)?.outcome).toMatchObject({ refusal: b.node.refusal, peer: b.node.info });
    a.node.refusal = { code: 'fenced', message: 'nor were you' };
    b.node.refusal = undefined;
    a.relay.relay(b.node.info.id, c.node.info.id);
    await net.scheduler.advance(10);
    expect(b.node.outcomes.at(-1)?.outcome).toMatchObject({ refusal: a.node.refusal, peer: a.node.info });
    expect([a, b].map(({ relay }) => relay.inspect().links.length)).toEqual([1, 1]);
  });

  it('comes to nothing when the other side does not answer in time, and may be tried again', async () => {
    const net = new RelayNetwork();
    const { a, b, c } = await net.triangle();
    b.node.pause();
    a.relay.relay(b.node.info.id, c.node.info.id);
    await net.scheduler.advance(1_100);
    b.node.resume();
    await net.scheduler.advance(20);
    expect([a.node.story, b.node.story]).toEqual([[], []]);
    a.relay.relay(b.node.info.id, c.node.info.id);
    await net.scheduler.advance(20);
    expect([a.node.story, b.node.story]).toEqual([['opened b'], ['opened a']]);
  });

  it('is closed as a whole when one frame of it cannot be passed on: none that follows is', async () => {
    const net = new RelayNetwork();
    const { a, b, c } = await net.relayed();
    c.full.add(b.node.info.id);
    a.node.ping(b.node, 1);
    await net.scheduler.advance(1);
    a.node.ping(b.node, 2);
    c.full.clear();
    await net.scheduler.advance(10);
    expect(a.node.story).toEqual(['closed b closed']);
    expect(b.node.story).toEqual([]);
    // That it is closed may have been lost as well: the other end learns it by what it sends.
    b.node.ping(a.node, 3);
    await net.scheduler.advance(10);
    expect([a.node.story, b.node.story]).toEqual([['closed b closed'], ['closed a closed']]);
  });

  it('is passed on for who has sent it only, and opened for who says so itself', async () => {
    const net = new RelayNetwork();
    const { a, b, c } = await net.triangle();
    const forged = { from: b.node.info.id, to: a.node.info.id, link: 1, refusal: null };
    // `b` tells `c` that it speaks for `c` itself.
    controls(b.relay, c.node.info.id, {
      ...forged,
      from: c.node.info.id,
      step: 'open',
      hello: b.node.hello(),
    });
    // `c` passes on a hello of another than it names.
    controls(c.relay, a.node.info.id, { ...forged, step: 'open', hello: c.node.hello() });
    controls(c.relay, a.node.info.id, { ...forged, step: 'confirm', hello: null });
    await net.scheduler.advance(20);
    expect([a.node.story, b.node.story, c.node.story]).toEqual([[], [], []]);
    expect(a.relay.inspect().links.length).toBe(1);
  });
});
