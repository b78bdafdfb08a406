import { resolve } from 'node:path';
import { parseArgs } from 'node:util';

export const USAGE = `npm run bench -- [options]
  --only B1,"B3 call a worker elsewhere, 64"   only rows that begin so
  --repeats 5                                  measurements per row, after the warm-up
  --check                                      says which goals are reached; exits with 1 if one is missed
  --json file                                  writes the results, every sample included
  --readme file                                measures nothing: makes the README's figures of what --json wrote
  --profile folder                             --cpu-prof in every process; prints where the time went`;

/** What the command line asks for. */
export interface BenchOptions {
  /** How rows begin that are wanted, in lower case; empty for all. */
  readonly only: readonly string[];
  readonly repeats: number;
  /** Whether to compare with the goals. */
  readonly check: boolean;
  readonly json: string | undefined;
  /** Results that the README's figures are made of, instead of measuring. */
  readonly readme: string | undefined;
  /** Folder of the processes' CPU profiles. */
  readonly profile: string | undefined;
}

/** `undefined` if the command line is wrong, or asks for help. */
export function parseOptions(args: readonly string[]): BenchOptions | undefined {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        only: { type: 'string', multiple: true, default: [] },
        repeats: { type: 'string', default: '5' },
        check: { type: 'boolean', default: false },
        json: { type: 'string' },
        readme: { type: 'string' },
        profile: { type: 'string' },
      },
    });
    const repeats = Number(values.repeats);
    if (!Number.isSafeInteger(repeats) || repeats < 1) return undefined;
    return {
      only: values.only.flatMap(wantedRows),
      repeats,
      check: values.check,
      json: values.json,
      readme: values.readme,
      profile: values.profile === undefined ? undefined : resolve(values.profile),
    };
  } catch {
    return undefined;
  }
}

/** `B1,B3 call, 64` are two: a comma divides where the name of a case follows. */
function wantedRows(text: string): string[] {
  return text
    .toLowerCase()
    .split(/,(?=\s*b\d)/)
    .map((part) => part.trim());
}
