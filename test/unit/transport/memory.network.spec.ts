import { describe, expect, it } from 'vitest';
import { addressKey, type Refusal } from '../../../lib/transport/node-info.js';
import { HOST, TestNetwork } from './support/memory-node.js';

describe('a node of a memory network that is paused', () => {
  it('reads what others sent when it goes on, in order, before what is sent then', async () => {
    const net = new TestNetwork();
    const [a, b] = await net.pair();
    a.ping(b, 0);
    b.pause();
    a.ping(b, 1);
    await net.scheduler.advance(5_000);
    a.ping(b, 2);
    await net.scheduler.advance(5_000);
    expect([a.story, b.story]).toEqual([[], []]);
    b.resume();
    b.ping(a, 7);
    a.ping(b, 3);
    await net.scheduler.advance(5);
    expect([a.story, b.story]).toEqual([['frame b 7'], ['frame a 0', 'frame a 1', 'frame a 2', 'frame a 3']]);
  });

  it.each([
    ['sockets', ['frame a 1', 'frame a 2', 'timer']],
    ['timers', ['timer', 'frame a 1', 'frame a 2']],
  ] as const)('may turn to its %s first', async (first, story) => {
    const net = new TestNetwork();
    const [a, b] = await net.pair();
    b.runtime.after(20, () => b.story.push('timer'));
    b.pause();
    a.ping(b, 1);
    a.ping(b, 2);
    await net.scheduler.advance(50);
    b.resume(first);
    await net.scheduler.advance(0);
    expect(b.story).toEqual(story);
  });

  it('keeps the order when it is paused again before it has read everything', async () => {
    const net = new TestNetwork();
    const [a, b] = await net.pair();
    b.pause();
    for (let id = 1; id <= 4; id++) a.ping(b, id);
    await net.scheduler.advance(5);
    b.resume();
    b.pause();
    a.ping(b, 5);
    await net.scheduler.advance(5);
    expect(b.story).toEqual([]);
    b.resume();
    a.ping(b, 6);
    await net.scheduler.advance(5);
    expect(b.story).toEqual([1, 2, 3, 4, 5, 6].map((id) => `frame a ${id}`));
  });

  it('has what it sent before, and is heard of no more', async () => {
    const net = new TestNetwork();
    const [a, b] = await net.pair();
    b.ping(a, 1);
    b.runtime.after(20, () => b.ping(a, 2));
    b.pause();
    await net.scheduler.advance(1_000);
    expect(a.story).toEqual(['frame b 1']);
  });

  it('sees a link that was closed meanwhile closed after what was sent before', async () => {
    const net = new TestNetwork();
    const [a, b] = await net.pair();
    b.pause();
    a.ping(b, 1);
    a.transport.disconnect(b.info.id, 'silent');
    await net.scheduler.advance(1_000);
    b.resume();
    await net.scheduler.advance(5);
    expect(b.story).toEqual(['frame a 1', 'closed a closed']);
  });

  it('sees what became of its peers: one has died, the link with another broke', async () => {
    const net = new TestNetwork();
    const [a, b] = await net.pair();
    const c = await net.node('c', 3);
    b.transport.dial(c.info);
    await net.scheduler.advance(5);
    b.story.length = 0;
    b.pause();
    a.ping(b, 1);
    await net.scheduler.advance(5);
    net.network.crash(a.info.id);
    net.network.breakLink(b.info.id, c.info.id);
    await net.scheduler.advance(100);
    expect(b.story).toEqual([]);
    b.resume();
    await net.scheduler.advance(5);
    // The break of this test knows no way to travel, so it is there before the news of the crash.
    expect(b.story).toEqual(['frame a 1', 'closed c reset', 'closed a reset']);
  });

  it('connects who dials it and says no hello; reads theirs when it goes on', async () => {
    const net = new TestNetwork();
    const [a, b] = [await net.node('a', 1), await net.node('b', 2)];
    const c = await net.node('c', 3);
    b.pause();
    a.transport.dial(b.info);
    c.transport.dial(b.info);
    await net.scheduler.advance(1_900);
    expect([a.story, c.story]).toEqual([[], []]);
    await net.scheduler.advance(200);
    expect([a.story, c.story]).toEqual([['dialed unreachable'], ['dialed unreachable']]);
    expect(b.story).toEqual([]);
    b.resume();
    await net.scheduler.advance(50);
    // Who has the smaller id has given up; who has the larger has asked to be dialled.
    expect(b.story).toEqual(['dialed nudged']);
    expect(b.outcomes[0]).toEqual({ address: `${HOST}:3`, outcome: { kind: 'nudged', peer: c.info } });
    expect([a.story, c.story]).toEqual([['dialed unreachable'], ['dialed unreachable']]);
  });

  it('links with who dialled it if it goes on in time', async () => {
    const net = new TestNetwork();
    const [a, b] = [await net.node('a', 1), await net.node('b', 2)];
    b.pause();
    a.transport.dial(b.info);
    await net.scheduler.advance(1_500);
    b.resume();
    await net.scheduler.advance(5_000);
    expect([a.story, b.story]).toEqual([['opened b', 'dialed linked'], ['opened a']]);
  });

  it('links when it goes on itself in the middle of its dial, or gives up if its timer comes first', async () => {
    for (const first of ['sockets', 'timers'] as const) {
      const net = new TestNetwork();
      const [a, b] = [await net.node('a', 1), await net.node('b', 2)];
      b.pause();
      a.transport.dial(b.info);
      await net.scheduler.advance(10);
      a.pause();
      b.resume();
      await net.scheduler.advance(10_000);
      expect([a.story, b.story]).toEqual([[], []]);
      a.resume(first);
      await net.scheduler.advance(5);
      expect(a.story).toContain(first === 'sockets' ? 'opened b' : 'dialed unreachable');
      expect(b.story).toEqual(first === 'sockets' ? ['opened a'] : []);
    }
  });

  it('and is killed then refuses who waits for its hello, and resets its links', async () => {
    const net = new TestNetwork();
    const [a, b] = await net.pair();
    const c = await net.node('c', 3);
    b.pause();
    c.transport.dial(b.info);
    a.ping(b, 1);
    await net.scheduler.advance(100);
    b.runtime.kill();
    net.network.crash(b.info.id);
    await net.scheduler.advance(100);
    expect(a.story).toEqual(['closed b reset']);
    expect(c.story).toEqual(['dialed refused']);
    expect(b.story).toEqual([]);
  });

  it('whose way is cut when it goes on gives no hello', async () => {
    const net = new TestNetwork();
    const [a, b] = [await net.node('a', 1), await net.node('b', 2)];
    b.pause();
    a.transport.dial(b.info);
    await net.scheduler.advance(100);
    net.network.cutOneWay(b.info.id, a.info.id);
    b.resume();
    await net.scheduler.advance(5_000);
    expect([a.story, b.story]).toEqual([['dialed unreachable'], []]);
  });
});

describe('a refusal over a memory network', () => {
  const refusal: Refusal = { code: 'fenced', message: 'gone on', incarnation: 5 };

  it('of the acceptor is told to the dialler', async () => {
    const net = new TestNetwork();
    const [a, b] = [await net.node('a', 1), await net.node('b', 2)];
    b.refusal = refusal;
    a.transport.dial(b.info);
    await net.scheduler.advance(10);
    const outcome = { kind: 'rejected', message: 'gone on', refusal, peer: b.info };
    expect(a.outcomes).toEqual([{ address: addressKey(b.info), outcome }]);
    expect(b.outcomes).toEqual([]);
  });

  it('of the dialler is told to both', async () => {
    const net = new TestNetwork();
    const [a, b] = [await net.node('a', 1), await net.node('b', 2)];
    a.refusal = refusal;
    a.transport.dial(b.info);
    await net.scheduler.advance(10);
    const outcome = { kind: 'rejected', message: 'gone on', refusal };
    expect(a.outcomes).toEqual([{ address: addressKey(b.info), outcome: { ...outcome, peer: b.info } }]);
    expect(b.outcomes).toEqual([{ address: addressKey(a.info), outcome: { ...outcome, peer: a.info } }]);
    expect([...a.story, ...b.story].filter((event) => event.startsWith('opened'))).toEqual([]);
  });
});
