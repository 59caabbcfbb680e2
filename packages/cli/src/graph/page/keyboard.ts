/// <reference lib="dom" />
import type { Camera } from './camera.ts';
import type { PageContent } from './content.ts';

/**
 * Lets the keyboard do what pointers do: from card to card along the edges, zoom and move. Part of the page's script: it
 * refers to nothing outside itself.
 */
export function openKeyboard(
  { svg, input }: { svg: SVGSVGElement; input: HTMLInputElement },
  { root, nodes, edges }: PageContent,
  { camera, select, close }: { camera: Camera; select: (index: number) => void; close: () => void },
): { focus(index: number): void } {
  const elements = [...svg.querySelectorAll<SVGGElement>('.node')];
  let current = root;

  for (const [index, element] of elements.entries()) {
    const { kind = '', name = '', details = [] } = nodes[index] ?? {};
    element.setAttribute('role', 'button');
    element.setAttribute('tabindex', index === root ? '0' : '-1');
    const told = details
      .flatMap(({ values }) => values)
      .slice(0, 6)
      .join(', ')
      .slice(0, 300);
    element.setAttribute('aria-label', `${kind} ${name}${told === '' ? '' : `: ${told}`}`);
  }

  /** One card at a time is a stop of the Tab key. */
  function focus(index: number): void {
    elements[current]?.setAttribute('tabindex', '-1');
    current = index;
    const element = elements[index];
    element?.setAttribute('tabindex', '0');
    camera.attach(index);
    element?.focus({ preventScroll: true });
    if (!camera.isInside(index)) camera.reveal(index);
  }

  const middle = (index: number): number => (nodes[index]?.y ?? 0) + (nodes[index]?.height ?? 0) / 2;

  /** The nearest of some cards, by height. */
  const nearest = (indexes: readonly number[]): number | undefined =>
    [...indexes].sort(
      (a, b) => Math.abs(middle(a) - middle(current)) - Math.abs(middle(b) - middle(current)),
    )[0];

  /** The cards above or below in the same column. */
  function inColumn(direction: 1 | -1): number[] {
    const { x: left = 0, width = 0 } = nodes[current] ?? {};
    return [...nodes.keys()].filter((index) => {
      const node = nodes[index];
      const overlaps = node !== undefined && node.x < left + width && node.x + node.width > left;
      return overlaps && index !== current && (middle(index) - middle(current)) * direction > 0;
    });
  }

  const moves: Record<string, () => number | undefined> = {
    ArrowRight: () => nearest(edges.filter(({ source }) => source === current).map(({ target }) => target)),
    ArrowLeft: () => nearest(edges.filter(({ target }) => target === current).map(({ source }) => source)),
    ArrowDown: () => nearest(inColumn(1)),
    ArrowUp: () => nearest(inColumn(-1)),
  };
  const pans: Record<string, [number, number]> = {
    ArrowRight: [-80, 0],
    ArrowLeft: [80, 0],
    ArrowDown: [0, -80],
    ArrowUp: [0, 80],
  };
  const actions: Record<string, () => void> = {
    '+': () => camera.zoom(1.25),
    '=': () => camera.zoom(1.25),
    '-': () => camera.zoom(0.8),
    '0': () => camera.fit(),
    '/': () => input.focus(),
    Escape: close,
  };

  function press({ key, shiftKey }: KeyboardEvent): boolean {
    const onCard = document.activeElement?.classList.contains('node') === true;
    const pan = pans[key];
    if (pan && (shiftKey || !onCard)) {
      camera.pan(...pan);
      return true;
    }
    if (onCard && moves[key]) {
      const next = moves[key]();
      if (next !== undefined) focus(next);
      return true;
    }
    if (onCard && (key === 'Enter' || key === ' ')) {
      select(current);
      return true;
    }
    actions[key]?.();
    return key in actions;
  }

  document.addEventListener('keydown', (event) => {
    if (event.target === input || event.ctrlKey || event.metaKey || event.altKey) return;
    const scrolls = (event.target as Element).closest('aside') !== null && event.key in pans;
    if (!scrolls && press(event)) event.preventDefault();
  });
  return { focus };
}
