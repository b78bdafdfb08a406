const MOST_CHARACTERS = 1_000;

/**
 * What somebody else wrote, fit for one line of a log: who may say what stands in it can neither forge a second line nor
 * fill the disk.
 */
export function printable(text: string): string {
  const line = text.slice(0, MOST_CHARACTERS).replaceAll(/[\p{Cc}\u2028\u2029]/gu, ' ');
  return text.length > MOST_CHARACTERS ? `${line}…` : line;
}
