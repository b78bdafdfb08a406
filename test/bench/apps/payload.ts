/** What is sent and comes back: bytes, a text of ASCII characters, or an object whose JSON is about as long. */
export type PayloadKind = 'Buffer' | 'text' | 'object';

interface Reading {
  readonly id: number;
  readonly name: string;
  readonly value: number;
  readonly ok: boolean;
}

export function payloadOf(kind: PayloadKind, bytes: number): Buffer | string | { readonly items: Reading[] } {
  if (kind === 'Buffer') return Buffer.alloc(bytes, 'x');
  if (kind === 'text') return 'x'.repeat(bytes);
  const items: Reading[] = [];
  do items.push({ id: items.length, name: `sensor-${items.length}`, value: 20.5, ok: true });
  while (JSON.stringify(items.at(-1)).length * (items.length + 1) < bytes);
  return { items };
}

/** @throws Error if an answer is not what was sent, as far as its size tells */
export function checkEcho(answer: unknown, sent: ReturnType<typeof payloadOf>): void {
  const [came, went] = [sizeOf(answer), sizeOf(sent)];
  if (came !== went) throw new Error(`${came} came back of ${went}`);
}

function sizeOf(value: unknown): number {
  const { length, items } = value as { length?: number; items?: { length: number } };
  return items?.length ?? length ?? -1;
}
