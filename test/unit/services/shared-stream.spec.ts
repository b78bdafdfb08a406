import { describe, expect, it } from 'vitest';
import { SharedStream } from '../../../lib/services/shared-stream.js';
import { row, servicesOver } from './fake-kernel.js';

/** A source that says whether anybody listens to it. */
function source() {
  let tell: ((value: number) => void) | undefined;
  let begun = 0;
  return {
    listen: (listener: (value: number) => void) => {
      begun++;
      tell = listener;
      return () => (tell = undefined);
    },
    tell: (value: number) => tell?.(value),
    isHeard: () => tell !== undefined,
    begun: () => begun,
  };
}

describe('a shared stream', () => {
  it('listens to its source only while somebody is subscribed, once for all of them', () => {
    const stream = new SharedStream<number>();
    const from = source();
    stream.connect(from.listen);
    expect(from.isHeard()).toBe(false);
    const seen: string[] = [];
    const a = stream.values.subscribe((value) => seen.push(`a${value}`));
    const b = stream.values.subscribe((value) => seen.push(`b${value}`));
    from.tell(1);
    a.unsubscribe();
    from.tell(2);
    b.unsubscribe();
    expect(from.isHeard()).toBe(false);
    from.tell(3);
    const c = stream.values.subscribe((value) => seen.push(`c${value}`));
    from.tell(4);
    c.unsubscribe();
    expect(seen).toEqual(['a1', 'b1', 'b2', 'c4']);
    expect(from.begun()).toBe(2);
  });

  it('may be subscribed to before there is a source', () => {
    const stream = new SharedStream<number>();
    const from = source();
    const seen: number[] = [];
    stream.values.subscribe((value) => seen.push(value));
    expect(stream.observed).toBe(true);
    stream.next(0);
    stream.connect(from.listen);
    from.tell(1);
    expect(seen).toEqual([0, 1]);
  });

  it('goes on for the others when one unsubscribes while it is told', () => {
    const stream = new SharedStream<number>();
    const from = source();
    stream.connect(from.listen);
    const seen: string[] = [];
    const once = stream.values.subscribe((value) => {
      seen.push(`once${value}`);
      once.unsubscribe();
    });
    stream.values.subscribe((value) => seen.push(`all${value}`));
    from.tell(1);
    from.tell(2);
    expect(seen).toEqual(['once1', 'all1', 'all2']);
  });

  it('completes for all, also for those that come later, and listens no more', () => {
    const stream = new SharedStream<number>();
    const from = source();
    stream.connect(from.listen);
    let completed = 0;
    const complete = (): void => void completed++;
    stream.values.subscribe({ complete });
    stream.complete();
    expect(from.isHeard()).toBe(false);
    stream.values.subscribe({ complete });
    expect(completed).toBe(2);
    expect(from.begun()).toBe(1);
  });
});

describe('a node of which nobody wants to know', () => {
  it('is asked to tell its changes and events when somebody does', () => {
    const { registry, cluster, tell } = servicesOver([row('lamp')]).start();
    expect(tell).toEqual({});
    registry.watch().subscribe();
    cluster.events$.subscribe();
    expect(tell).toEqual({ change: expect.any(Function), event: expect.any(Function) });
  });
});
