import type { ByteReader } from './byte.reader.js';
import type { ByteWriter } from './byte.writer.js';

/** Patterns that one link knows by number; an application has dozens, and an attacker gets no more than this. */
const MOST_PATTERNS = 1024;
const INLINE = 0;
const DEFINE = 1;
const FIRST_ID = 2;

/**
 * What one side of a link has sent. The first use of a pattern defines its number, so a frame that was written with a
 * table must be sent, and in the order of writing; a table that is full writes the pattern itself.
 */
export class SentPatterns {
  private readonly ids = new Map<string, number>();

  write(out: ByteWriter, pattern: string): void {
    const id = this.ids.get(pattern);
    if (id !== undefined) {
      out.uint(id);
      return;
    }
    if (this.ids.size >= MOST_PATTERNS) {
      writeInline(out, pattern);
      return;
    }
    this.ids.set(pattern, FIRST_ID + this.ids.size);
    out.u8(DEFINE);
    out.string(pattern);
  }
}

/** Writes a pattern that any link can read, as frames for several links need. */
export function writeInline(out: ByteWriter, pattern: string): void {
  out.u8(INLINE);
  out.string(pattern);
}

/** What the other side has sent: the mirror of its `SentPatterns`. */
export class ReceivedPatterns {
  private readonly patterns: string[] = [];

  read(reader: ByteReader): string {
    const id = reader.uint('pattern');
    if (id === INLINE) return reader.string('pattern');
    if (id >= FIRST_ID) {
      return this.patterns[id - FIRST_ID] ?? reader.fail('pattern', `number ${id} was never defined`);
    }
    const pattern = reader.string('pattern');
    if (this.patterns.length >= MOST_PATTERNS)
      reader.fail('pattern', `more than ${MOST_PATTERNS} are defined`);
    this.patterns.push(pattern);
    return pattern;
  }
}
