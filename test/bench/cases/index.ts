import type { BenchCase } from '../harness/bench-case.interface.js';
import { registerCase } from './b1-register.case.js';
import { whereisCase } from './b2-whereis.case.js';
import { callCase } from './b3-call.case.js';
import { groupCase } from './b4-group.case.js';
import { convergenceCase } from './b5-convergence.case.js';
import { failoverCase } from './b6-failover.case.js';
import { joinCase } from './b7-join.case.js';
import { memoryCase } from './b8-memory.case.js';
import { drainCase } from './b9-drain.case.js';
import { healCase } from './b10-heal.case.js';
import { loopDelayCase } from './b11-loop-delay.case.js';
import { growthCase } from './b12-growth.case.js';

/** In the order in which they run. */
export const cases: readonly BenchCase[] = [
  registerCase,
  whereisCase,
  callCase,
  groupCase,
  convergenceCase,
  failoverCase,
  joinCase,
  memoryCase,
  drainCase,
  healCase,
  loopDelayCase,
  growthCase,
];
