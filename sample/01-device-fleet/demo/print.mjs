// What the demo tells people.

/** A line, indented, with its topic if it is the first of one. */
export function say(topic, text) {
  console.log(`  ${topic.padEnd(11)}${text}`);
}

/** Rows of a name and cells. */
export function table(head, rows) {
  for (const [name, ...cells] of [head, ...rows]) {
    say(
      '',
      `${name.padEnd(9)}${cells.map((cell) => (typeof cell === 'number' ? number(cell) : cell).padStart(10)).join('')}`,
    );
  }
}

/** With thousands separated. */
export function number(value) {
  return value.toLocaleString('en-US');
}

/** Seconds since a moment of `performance.now()`. */
export function since(moment) {
  return `${((performance.now() - moment) / 1000).toFixed(1)} s`;
}
