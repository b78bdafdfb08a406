import { serve } from './serve.js';

/** Works and rests in turns so short that the scheduler has no reason to prefer others for long. */
const TURN_MS = 10;

let share = 0;

function turn(): void {
  const until = performance.now() + TURN_MS * share;
  let sum = 0;
  while (performance.now() < until) sum += Math.sqrt(sum + 1);
  setTimeout(turn, TURN_MS * (1 - share));
}

turn();

serve('', {
  /** From now on uses this share of a core. */
  burn: (of: number) => {
    share = Math.min(1, Math.max(0, of));
  },
});
