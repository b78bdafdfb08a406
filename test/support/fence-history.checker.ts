// Proves promise P2 over a history: activations of a name follow each other, and what an older one does counts for
// nothing once a newer one is at work.
import type { AnswerRecord, BeginRecord, EndRecord, FenceRecord, ResumeRecord } from './fence-history.js';

/** Two records that cannot both be under promise P2. */
export interface Violation {
  /** `begin`: an older activation began a message. `answer`: its answer was accepted. `twice`: two have one fence. */
  readonly rule: 'begin' | 'answer' | 'twice';
  readonly name: string;
  /** What came too late. */
  readonly late: BeginRecord | AnswerRecord;
  /** The earliest that it should have come before. */
  readonly before: BeginRecord | AnswerRecord;
  /** How often the same two activations did so. */
  times: number;
  toString(): string;
}

/** Everything of one name. */
interface Life {
  readonly begins: BeginRecord[];
  readonly answers: AnswerRecord[];
  readonly resumes: Map<number, ResumeRecord>;
  readonly ends: EndRecord[];
}

/**
 * What breaks promise P2 in a history, whose records may come in any order:
 *
 * 1. Ordered by time, the messages of a name begin under fences that never fall.
 * 2. Ordered by time, no answer of an older activation is accepted after one of a newer. An answer that was on its way
 *    while the worker *moved* is none of those: its handler had ended before the move took the state along, so what it
 *    has done is known to the newer one (`ResumeRecord`, `endedAt`). Nor is one that was on its way while the worker was
 *    *unregistered*: its handler had ended before the worker did, and that before a newer one began (`EndRecord`).
 * 3. Two nodes never run activations of one fence.
 *
 * Of two records of the same time neither is late. Each pair of activations is told once by each rule.
 */
export function checkFences(records: Iterable<FenceRecord>): Violation[] {
  const lives = new Map<string, Life>();
  for (const record of records) {
    let life = lives.get(record.name);
    if (!life) lives.set(record.name, (life = { begins: [], answers: [], resumes: new Map(), ends: [] }));
    if (record.kind === 'begin') life.begins.push(record);
    else if (record.kind === 'answer') life.answers.push(record);
    else if (record.kind === 'resume') life.resumes.set(record.fence, record);
    else life.ends.push(record);
  }
  const found = new Found();
  for (const life of lives.values()) {
    const { begins, answers, resumes } = life;
    findFallen(begins, (late, before) => found.add('begin', late, before));
    findTwins(begins, (late, before) => found.add('twice', late, before));
    findFallen(answers, (late, before) => {
      if (!isOfMove(late, before, resumes) && !isOfEnded(late, before, life))
        found.add('answer', late, before);
    });
  }
  return found.violations;
}

/** Each record under a fence that is lower than one of an earlier time, with the first of every such fence. */
function findFallen<R extends BeginRecord | AnswerRecord>(
  records: R[],
  found: (late: R, before: R) => void,
): void {
  records.sort((a, b) => (a.at < b.at ? -1 : Number(a.at > b.at)));
  const first = new Map<number, R>();
  let highest = -Infinity;
  let sameTime: R[] = [];
  const settle = (): void => {
    for (const record of sameTime) if (!first.has(record.fence)) first.set(record.fence, record);
    for (const { fence } of sameTime) highest = Math.max(highest, fence);
    sameTime = [];
  };
  for (const record of records) {
    if (sameTime[0] && sameTime[0].at < record.at) settle();
    sameTime.push(record);
    if (record.fence >= highest) continue;
    for (const [fence, before] of first) if (fence > record.fence) found(record, before);
  }
}

function findTwins(
  records: readonly BeginRecord[],
  found: (late: BeginRecord, before: BeginRecord) => void,
): void {
  const first = new Map<number, BeginRecord>();
  for (const record of records) {
    const before = first.get(record.fence);
    if (!before) first.set(record.fence, record);
    else if (before.node !== record.node) found(record, before);
  }
}

/** Whether `newer` goes on from the state that `late` has left behind, over any number of moves. */
function isOfMove(
  late: AnswerRecord,
  newer: Pick<AnswerRecord, 'fence'>,
  resumes: ReadonlyMap<number, ResumeRecord>,
): boolean {
  let step = resumes.get(newer.fence);
  while (step && step.from > late.fence && step.from < step.fence) step = resumes.get(step.from);
  return step?.from === late.fence && late.endedAt !== undefined && late.endedAt <= step.at;
}

/** Whether what has answered `late`, or what went on from it, had ended with its registration before `newer` began. */
function isOfEnded(late: AnswerRecord, newer: AnswerRecord, { begins, resumes, ends }: Life): boolean {
  const first = begins.find(({ fence }) => fence === newer.fence);
  return ends.some((end) => {
    if (!first || end.at >= first.at || end.fence >= newer.fence) return false;
    if (end.fence !== late.fence) return isOfMove(late, end, resumes);
    return late.endedAt !== undefined && late.endedAt <= end.at;
  });
}

class Found {
  readonly violations: Violation[] = [];
  private readonly known = new Map<string, Violation>();

  add(rule: Violation['rule'], late: Violation['late'], before: Violation['before']): void {
    const key = `${rule} ${late.fence} ${before.fence} ${late.name}`;
    const known = this.known.get(key);
    if (known) {
      known.times++;
      return;
    }
    const violation = { rule, name: late.name, late, before, times: 1, toString: () => described(violation) };
    this.known.set(key, violation);
    this.violations.push(violation);
  }
}

function described({ rule, name, late, before, times }: Violation): string {
  const [verb, whose] = rule === 'answer' ? ['accepted an answer', 'of'] : ['began a message', 'under'];
  const again = times > 1 ? ` (${times} times)` : '';
  const what = rule === 'twice' ? 'another activation of the same fence' : `the newer fence ${before.fence}`;
  return `P2: "${name}": ${late.node} ${verb} ${whose} fence ${late.fence} at ${milliseconds(late.at)} ms${again}, but ${before.node} had done so ${whose} ${what} at ${milliseconds(before.at)} ms`;
}

function milliseconds(ns: bigint): string {
  return (Number(ns) / 1e6).toFixed(3);
}
