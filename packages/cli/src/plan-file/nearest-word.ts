/** The word that a misspelt one was probably meant to be: at most two letters off, and not most of the word. */
export function nearestWord(word: string, known: readonly string[]): string | undefined {
  const distances = known.map((each) => ({ each, distance: editDistance(word, each) }));
  const nearest = distances.sort((a, b) => a.distance - b.distance)[0];
  return nearest !== undefined && nearest.distance <= Math.min(2, word.length / 2) ? nearest.each : undefined;
}

/** Levenshtein distance: letters to insert, to remove, or to replace. */
function editDistance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (const [index, letter] of [...from].entries()) {
    const next = [index + 1];
    for (let column = 0; column < to.length; column++) {
      const replaced = (row[column] ?? 0) + (letter === to[column] ? 0 : 1);
      next.push(Math.min(replaced, (next[column] ?? 0) + 1, (row[column + 1] ?? 0) + 1));
    }
    row = next;
  }
  return row.at(-1) ?? 0;
}
