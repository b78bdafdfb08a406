/** `SEEDS=500 FIRST_SEED=1000` runs more histories of each case, and others. */
export function seeds(count: number): number[] {
  const first = Number(process.env['FIRST_SEED'] ?? 1);
  return Array.from({ length: Number(process.env['SEEDS'] ?? count) }, (_, index) => first + index);
}
