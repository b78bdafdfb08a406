// One case of the study, in a process of its own: told by its argument, answers with lines of JSON, of which each is the
// whole result so far: whoever stops it has what it had measured by then.
import type { ScaleResult } from './scale-result.js';
import { studyRollingStart, studyStart, type ScaleOptions } from './scale-study.js';

const { kind, ...options } = JSON.parse(process.argv[2] ?? '{}') as { kind: string } & Omit<
  ScaleOptions,
  'collectGarbage' | 'measured'
>;
const study = kind === 'rolling' ? studyRollingStart : studyStart;
const measured = (result: ScaleResult): void => console.log(JSON.stringify(result));
const collectGarbage = globalThis.gc && (() => void globalThis.gc?.());
measured(await study({ ...options, collectGarbage, measured }));
