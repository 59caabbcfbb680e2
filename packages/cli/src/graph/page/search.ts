/// <reference lib="dom" />
import type { PageContent } from './content.ts';

/**
 * Finds cards by words that occur in anything that is known of them. Part of the page's script: it refers to nothing outside
 * itself.
 * @param go shows a card that was found
 */
export function openSearch(
  { svg, input, count }: { svg: SVGSVGElement; input: HTMLInputElement; count: HTMLElement },
  { nodes }: PageContent,
  go: (index: number) => void,
) {
  const elements = [...svg.querySelectorAll<SVGGElement>('.node')];
  let texts: string[] | undefined;
  let found: number[] = [];
  let current = -1;

  const textsOfNodes = (): string[] =>
    nodes.map(({ id, kind, name, details }) =>
      [id, kind, name, ...details.flatMap(({ values }) => values)].join('\n').toLowerCase(),
    );

  function say(): void {
    const number = current < 0 ? `${found.length}` : `${current + 1} of ${found.length}`;
    count.textContent = input.value.trim() === '' ? '' : found.length === 0 ? 'none' : number;
  }

  function find(): void {
    texts ??= textsOfNodes();
    const words = input.value
      .toLowerCase()
      .split(/\s+/)
      .filter((word) => word !== '');
    const fits = texts.map((text) => words.length > 0 && words.every((word) => text.includes(word)));
    found = [...fits.keys()].filter((index) => fits[index]);
    // In reading order: from left to right, from top to bottom.
    found.sort((a, b) => (nodes[a]?.x ?? 0) - (nodes[b]?.x ?? 0) || (nodes[a]?.y ?? 0) - (nodes[b]?.y ?? 0));
    current = -1;
    svg.classList.toggle('searching', words.length > 0);
    for (const [index, element] of elements.entries())
      element.classList.toggle('match', fits[index] ?? false);
    say();
  }

  /** Goes to the next card that was found, or to one before. */
  function step(by: 1 | -1): void {
    if (found.length === 0) return;
    current = current < 0 ? (by > 0 ? 0 : found.length - 1) : (current + by + found.length) % found.length;
    say();
    go(found[current] ?? 0);
  }

  input.addEventListener('input', find);
  input.addEventListener('keydown', (event) => {
    if (event.key === 'Enter') step(event.shiftKey ? -1 : 1);
    if (event.key === 'Escape') {
      input.value = '';
      find();
      input.blur();
    }
  });
  return { step };
}
