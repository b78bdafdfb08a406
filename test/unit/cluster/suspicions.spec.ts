import { beforeEach, describe, expect, it } from 'vitest';
import { Members, newMember } from '../../../lib/cluster/members.js';
import { Suspicions } from '../../../lib/cluster/suspicions.js';
import { seededRandom, VirtualRuntime, VirtualScheduler } from '../../../lib/runtime/virtual.runtime.js';
import { type Frame, FrameKind, type Verdict } from '../../../lib/transport/frame.js';
import type { NodeInfo } from '../../../lib/transport/node-info.js';
import type { Transport } from '../../../lib/transport/transport.interface.js';

const POLL_MS = 500;

function info(name: string, incarnation = 1): NodeInfo {
  const address = { host: 'h', port: 1, weight: 1, labels: {}, types: [], quorums: {} };
  const rest = { firstIncarnation: incarnation, leaseMs: 3_000, hosting: true };
  return { id: `${name}@h:1`, name, incarnation, ...address, ...rest };
}

/** Node `a`, which suspects, or is asked about, node `x`; what it sends and finds out is kept. */
class Scene {
  readonly scheduler = new VirtualScheduler(seededRandom(1));
  readonly members = new Members(newMember(info('a'), 'up', 0));
  readonly sent: Array<{ readonly to: string; readonly frame: Frame }> = [];
  readonly told: string[] = [];
  readonly fenced = new Set<string>();
  readonly suspicions: Suspicions;

  constructor() {
    const transport: Pick<Transport, 'send'> = {
      send: (to, frame) => {
        this.sent.push({ to, frame });
        return 'queued';
      },
    };
    this.suspicions = new Suspicions({
      runtime: new VirtualRuntime(this.scheduler),
      transport: transport as Transport,
      members: this.members,
      pollMs: POLL_MS,
      probe: (id) => this.told.push(`probe ${id}`),
      fence: (id, incarnation, by) => {
        this.fenced.add(`${id} ${incarnation}`);
        this.told.push(`fence ${id} for ${by}`);
      },
      isFenced: (id, incarnation) => this.fenced.has(`${id} ${incarnation}`),
      ackedAgoMs: () => 70,
      readUpTo: () => 7,
      isReleased: () => false,
      refuted: (id, _incarnation, by) => this.told.push(`${id} is heard by ${by}`),
      unheard: (id, incarnation, voices) =>
        this.told.push(`${id} ${incarnation} is heard by nobody: ${voices.join(' ')}`),
      voted: (from, { verdict }) => this.told.push(`${from} votes ${verdict}`),
    });
    for (const name of ['b', 'c', 'x']) {
      this.members.add(info(name), 'up', 0).linked = true;
    }
  }

  say(from: string, verdict: Verdict, incarnation = 1): void {
    const frame = { kind: FrameKind.Verdict, node: 'x@h:1', incarnation, fence: false, verdict } as const;
    this.suspicions.onVerdict(`${from}@h:1`, { ...frame, ackedAgoMs: 0, seq: 0, released: false });
  }

  ask(from: string, fence = false, incarnation = 1): void {
    this.suspicions.onSuspect(`${from}@h:1`, { kind: FrameKind.Suspect, node: 'x@h:1', incarnation, fence });
  }

  verdicts(): string[] {
    return this.sent.flatMap(({ to, frame }) =>
      frame.kind === FrameKind.Verdict ? `${to} ${frame.verdict} ${frame.ackedAgoMs}` : [],
    );
  }

  pass(ms: number): Promise<void> {
    return this.scheduler.advance(ms);
  }
}

let scene: Scene;

beforeEach(() => {
  scene = new Scene();
});

describe('a node that hears nothing of another', () => {
  it('asks everybody else who has joined, and gives it up when all say that they do not hear it', async () => {
    scene.members.setStatus(scene.members.get('c@h:1')!, 'joining');
    scene.suspicions.ask('x@h:1', 1);
    expect(scene.sent.map(({ to }) => to)).toEqual(['b@h:1']);
    scene.say('b', 'silent');
    await scene.pass(0);
    expect(scene.told).toEqual(['probe x@h:1', 'x@h:1 1 is heard by nobody: b@h:1']);
  });

  it('does not wait for answers longer than for a poll', async () => {
    scene.suspicions.ask('x@h:1', 1);
    scene.say('b', 'silent');
    await scene.pass(POLL_MS - 1);
    expect(scene.told).toEqual(['probe x@h:1']);
    await scene.pass(1);
    expect(scene.told[1]).toBe('x@h:1 1 is heard by nobody: b@h:1');
    scene.say('c', 'hears');
    expect(scene.told).toHaveLength(2);
  });

  it('believes one who hears it, against all others', async () => {
    scene.suspicions.ask('x@h:1', 1);
    scene.say('b', 'silent');
    scene.say('c', 'hears');
    await scene.pass(2 * POLL_MS);
    expect(scene.told.slice(1)).toEqual(['x@h:1 is heard by c@h:1']);
  });

  it('believes itself when it hears it after all', async () => {
    scene.suspicions.ask('x@h:1', 1);
    scene.suspicions.heard('x@h:1');
    await scene.pass(2 * POLL_MS);
    expect(scene.told.slice(1)).toEqual(['x@h:1 is heard by a@h:1']);
  });

  it('does not count who abstains, nor what is said of another incarnation, nor an answer twice', async () => {
    scene.suspicions.ask('x@h:1', 2);
    scene.say('b', 'hears', 1);
    scene.say('b', 'abstains', 2);
    scene.say('b', 'hears', 2);
    scene.say('c', 'silent', 2);
    await scene.pass(0);
    expect(scene.told.slice(1)).toEqual(['x@h:1 2 is heard by nobody: c@h:1']);
  });

  it('does not wait for who is lost meanwhile, and not at all where nobody can be asked', async () => {
    scene.suspicions.ask('x@h:1', 1);
    scene.say('b', 'silent');
    scene.suspicions.lost('c@h:1');
    await scene.pass(0);
    expect(scene.told.at(-1)).toBe('x@h:1 1 is heard by nobody: b@h:1');
    for (const name of ['b', 'c']) scene.members.remove(`${name}@h:1`);
    scene.suspicions.ask('x@h:1', 1);
    await scene.pass(0);
    expect(scene.told.at(-1)).toBe('x@h:1 1 is heard by nobody: ');
  });
});

describe('a node that asks about another while its links flap', () => {
  it('waits for who is away, and asks once more who is back', async () => {
    scene.suspicions.ask('x@h:1', 1);
    scene.say('b', 'silent');
    scene.sent.length = 0;
    scene.suspicions.linked('c@h:1');
    // Who has said it already, and the suspect itself, are not asked again.
    scene.suspicions.linked('b@h:1');
    scene.suspicions.linked('x@h:1');
    expect(scene.sent.map(({ to, frame }) => [to, frame.kind])).toEqual([['c@h:1', FrameKind.Suspect]]);
    scene.say('c', 'hears');
    await scene.pass(2 * POLL_MS);
    expect(scene.told.slice(1)).toEqual(['x@h:1 is heard by c@h:1']);
  });

  it('asks also who was not linked before', async () => {
    scene.members.get('c@h:1')!.linked = false;
    scene.suspicions.ask('x@h:1', 1);
    scene.suspicions.linked('c@h:1');
    scene.say('b', 'silent');
    await scene.pass(POLL_MS - 1);
    expect(scene.told).toEqual(['probe x@h:1']);
    scene.say('c', 'silent');
    await scene.pass(0);
    expect(scene.told[1]).toBe('x@h:1 1 is heard by nobody: b@h:1 c@h:1');
  });

  it('waits for who was away before it asked, not for who is suspected itself', async () => {
    const [b, c] = [scene.members.get('b@h:1')!, scene.members.get('c@h:1')!];
    for (const member of [b, c]) member.linked = false;
    b.suspected = true;
    scene.suspicions.ask('x@h:1', 1);
    await scene.pass(POLL_MS - 1);
    expect(scene.told).toEqual(['probe x@h:1']);
    scene.suspicions.linked('c@h:1');
    scene.say('c', 'hears');
    await scene.pass(POLL_MS);
    expect(scene.told.slice(1)).toEqual(['x@h:1 is heard by c@h:1']);
    c.linked = false;
    c.suspected = true;
    scene.suspicions.ask('x@h:1', 1);
    await scene.pass(0);
    expect(scene.told.at(-1)).toBe('x@h:1 1 is heard by nobody: ');
  });

  it('asks no longer than a poll', async () => {
    scene.suspicions.ask('x@h:1', 1);
    await scene.pass(POLL_MS);
    expect(scene.told[1]).toBe('x@h:1 1 is heard by nobody: ');
    scene.sent.length = 0;
    scene.suspicions.linked('c@h:1');
    expect(scene.sent).toEqual([]);
  });
});

describe('a node that is asked about another', () => {
  it('pings it, and says that it hears it when a frame comes', async () => {
    scene.ask('b');
    scene.ask('c');
    expect(scene.told).toEqual(['probe x@h:1']);
    expect(scene.verdicts()).toEqual([]);
    scene.suspicions.heard('x@h:1');
    expect(scene.verdicts()).toEqual(['b@h:1 hears 70', 'c@h:1 hears 70']);
  });

  it('says that it does not hear it soon enough for the one who asks, or at once when nobody listens there', async () => {
    scene.ask('b');
    await scene.pass(0.8 * POLL_MS);
    expect(scene.verdicts()).toEqual(['b@h:1 silent 70']);
    scene.ask('b');
    scene.suspicions.gone('x@h:1');
    expect(scene.verdicts()).toHaveLength(2);
  });

  it('does not know an incarnation that was replaced, or that it never met', () => {
    scene.ask('b', false, 7);
    scene.members.remove('x@h:1');
    scene.ask('b');
    expect(scene.verdicts()).toEqual(['b@h:1 silent 70', 'b@h:1 silent 70']);
    expect(scene.told).toEqual([]);
  });

  it('fences it only if it does not hear it, and says when it last acknowledged it', async () => {
    scene.ask('b', true);
    scene.suspicions.heard('x@h:1');
    expect(scene.verdicts()).toEqual(['b@h:1 hears 70']);
    expect(scene.fenced.size).toBe(0);
    scene.ask('b', true);
    await scene.pass(0.8 * POLL_MS);
    expect(scene.verdicts()[1]).toBe('b@h:1 fenced 70');
    expect(scene.told).toContain('fence x@h:1 for b@h:1');
  });

  it('abstains while it is joining, and fences nothing', async () => {
    scene.members.setStatus(scene.members.self, 'joining');
    scene.ask('b', true);
    await scene.pass(0.8 * POLL_MS);
    expect(scene.verdicts()).toEqual(['b@h:1 abstains 70']);
    expect(scene.fenced.size).toBe(0);
  });
});
