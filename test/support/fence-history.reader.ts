import { createReadStream } from 'node:fs';
import { recordOf, type FenceRecord } from './fence-history.js';

/**
 * The records of a JSON-lines file, in the order in which they were written. What stands behind the last end of a line
 * is left out unless it is a whole record: its process may have been killed while it wrote.
 *
 * @throws Error that names the file and the line of a record that is none, or what the file system says
 */
export async function* readHistory(path: string): AsyncGenerator<FenceRecord> {
  let rest = '';
  let line = 0;
  for await (const chunk of createReadStream(path, { encoding: 'utf8' })) {
    const lines = (rest + String(chunk)).split('\n');
    rest = lines.pop() ?? '';
    for (const text of lines) {
      line++;
      try {
        yield recordOf(text);
      } catch (error) {
        throw new Error(`${path}:${line} is no record of a fence history: ${messageOf(error)}`, {
          cause: error,
        });
      }
    }
  }
  const last = lastOf(rest);
  if (last) yield last;
}

/** All records of several files. */
export async function readHistories(paths: Iterable<string>): Promise<FenceRecord[]> {
  const records: FenceRecord[] = [];
  for (const path of paths) for await (const record of readHistory(path)) records.push(record);
  return records;
}

/** A whole record whose end of line is missing, or nothing: a line is written from its beginning. */
function lastOf(text: string): FenceRecord | undefined {
  try {
    return recordOf(text);
  } catch {
    return undefined;
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
