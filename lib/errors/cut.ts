/** The begin of a text that is too long to be read, without half of a character that takes two places. */
export function cut(text: string, maxChars: number): string {
  return text.length > maxChars ? `${text.slice(0, maxChars).replace(/[\uD800-\uDBFF]$/, '')}…` : text;
}
