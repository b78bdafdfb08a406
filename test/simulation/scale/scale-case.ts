// One case of the study, in a process of its own: told by its argument, answers with a line of JSON.
import { studyRollingStart, studyStart, type ScaleOptions } from './scale-study.js';

const { kind, ...options } = JSON.parse(process.argv[2] ?? '{}') as { kind: string } & Omit<
  ScaleOptions,
  'collectGarbage'
>;
const study = kind === 'rolling' ? studyRollingStart : studyStart;
const result = await study({ ...options, collectGarbage: globalThis.gc && (() => void globalThis.gc?.()) });
console.log(JSON.stringify(result));
