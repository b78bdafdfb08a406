import type { BenchCase } from '../harness/bench-case.interface.js';
import { registerCase } from './b1-register.case.js';
import { whereisCase } from './b2-whereis.case.js';
import { callCase } from './b3-call.case.js';
import { groupCase } from './b4-group.case.js';
import { failoverCase } from './b6-failover.case.js';
import { memoryCase } from './b8-memory.case.js';

/** In the order in which they run. */
export const cases: readonly BenchCase[] = [
  registerCase,
  whereisCase,
  callCase,
  groupCase,
  failoverCase,
  memoryCase,
];
