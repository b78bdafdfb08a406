import { beforeEach, describe, expect, it } from 'vitest';
import type { Member } from '../../../lib/cluster/member.js';
import { newMember } from '../../../lib/cluster/members.js';
import { EventLog } from '../../../lib/events/index.js';
import { membershipNews } from '../../../lib/node/membership-news.js';
import { seededRandom, VirtualRuntime, VirtualScheduler } from '../../../lib/runtime/virtual.runtime.js';
import { QuietLogger } from '../../support/quiet.logger.js';

const OTHER = 'other@h:1';
const info = {
  ...{ id: OTHER, name: 'other', host: 'h', port: 1, weight: 1, labels: {}, hosting: true },
  ...{ incarnation: 1, firstIncarnation: 1, leaseMs: 3_000, types: ['Once'], quorums: { Once: 2 } },
};
const other: Member = newMember(info, 'up', 0);

type News = ReturnType<typeof membershipNews>;

describe('what becomes of another node', () => {
  let logger: QuietLogger;
  let events: EventLog;
  let news: News;

  beforeEach(() => {
    logger = new QuietLogger();
    events = new EventLog(new VirtualRuntime(new VirtualScheduler(seededRandom(1))), logger);
    news = membershipNews('self@h:2', events, logger);
  });

  it.each<[event: string, advice: RegExp, tell: (news: News) => void]>([
    ['node-suspected', /nothing is to be done unless/, ({ suspected }) => suspected(other, 'it was silent')],
    ['suspicion-refuted', /see what holds it up/, ({ refuted }) => refuted(OTHER, 'self@h:2')],
    ['suspicion-refuted', /check the network between/, ({ refuted }) => refuted(OTHER, 'third@h:3')],
    ['node-fenced', /check the network to it/, ({ fenced }) => fenced(OTHER, 1, 'third@h:3')],
    ['node-released', /start another node/, ({ released }) => released(info, ['Once'])],
    ['swarm-merged', /check the network between/, ({ merged }) => merged(other)],
  ])('is an event, a counter, and one line that says what to do: %s, %s', (event, advice, tell) => {
    const seen: string[] = [];
    events.listen(({ type }) => seen.push(type));
    tell(news);
    expect(seen).toEqual([event]);
    expect(events.counters).toEqual({ [event]: 1 });
    expect(logger.lines).toEqual([expect.stringMatching(advice)]);
    expect(logger.lines[0]).toContain(OTHER);
  });
});
