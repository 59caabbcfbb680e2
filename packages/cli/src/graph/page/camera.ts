/// <reference lib="dom" />
import type { PageContent, PageNode } from './content.ts';

export type Camera = ReturnType<typeof openCamera>;

/**
 * Shows a part of the drawing, which is moved and resized with pointers and the wheel. Part of the page's script: it refers to
 * nothing outside itself.
 */
export function openCamera(svg: SVGSVGElement, { nodes, edges, width, height }: PageContent) {
  const world = svg.querySelector('#world');
  const cards = [...svg.querySelectorAll<SVGGElement>('.node')];
  const lines = [...svg.querySelectorAll<SVGGElement>('.edge')];
  /** What is drawn, and how far it reaches: an edge stays between its cards, or not far from there. */
  const drawn = [
    ...cards.map((element, index) => reach(element, [nodes[index]])),
    ...lines.map((element, index) =>
      reach(element, [nodes[edges[index]?.source ?? 0], nodes[edges[index]?.target ?? 0]]),
    ),
  ];
  const view = { x: 0, y: 0, scale: 1 };
  const pointers = new Map<number, { x: number; y: number }>();
  let isDragged = false;
  let isPrinting = false;
  let frame = 0;

  const size = () => ({ across: svg.clientWidth || 1, down: svg.clientHeight || 1 });
  const fitting = () => Math.min(size().across / width, size().down / height);

  function show(): void {
    cancelAnimationFrame(frame);
    frame = requestAnimationFrame(draw);
  }

  function draw(): void {
    const { across, down } = size();
    const [right, bottom] = [view.x + across / view.scale, view.y + down / view.scale];
    // Moving a group is cheap for browsers, changing a view box is not.
    world?.setAttribute('transform', `scale(${view.scale}) translate(${-view.x} ${-view.y})`);
    // Text that can't be read, and cards that can't be seen, cost time only.
    svg.classList.toggle('far', view.scale < 0.35);
    for (const { element, layer, ...reach } of drawn) {
      const isAcross = reach.left < right + 100 && reach.right > view.x - 100;
      const isSeen = isAcross && reach.top < bottom + 100 && reach.bottom > view.y - 100;
      if (isSeen && !element.isConnected) layer?.append(element);
      if (!isSeen && element.isConnected && element !== document.activeElement) element.remove();
    }
  }

  function reach(element: SVGGElement, boxes: readonly (PageNode | undefined)[]) {
    const known = boxes.filter((box) => box !== undefined);
    return {
      ...{ element, layer: element.parentElement },
      left: Math.min(...known.map(({ x }) => x)),
      top: Math.min(...known.map(({ y }) => y)),
      right: Math.max(...known.map(({ x, width }) => x + width)),
      bottom: Math.max(...known.map(({ y, height }) => y + height)),
    };
  }

  /** Zooms while the point of the window stays where it is. */
  function zoom(factor: number, at = { x: size().across / 2, y: size().down / 2 }): void {
    const scale = Math.min(4, Math.max(Math.min(0.05, fitting() / 2), view.scale * factor));
    view.x += at.x / view.scale - at.x / scale;
    view.y += at.y / view.scale - at.y / scale;
    view.scale = scale;
    show();
  }

  function pan(dx: number, dy: number): void {
    view.x -= dx / view.scale;
    view.y -= dy / view.scale;
    show();
  }

  function centre(x: number, y: number, scale: number): void {
    const { across, down } = size();
    Object.assign(view, { x: x - across / scale / 2, y: y - down / scale / 2, scale });
    show();
  }

  const fit = () => centre(width / 2, height / 2, Math.min(1.25, fitting()));

  /** Puts a card into the document, wherever it is. */
  function attach(index: number): void {
    const { element, layer } = drawn[index] ?? {};
    if (element?.isConnected === false) layer?.append(element);
  }

  /** Brings a card into the window, legibly. */
  function reveal(index: number): void {
    const node = nodes[index];
    if (node === undefined) return;
    attach(index);
    centre(node.x + node.width / 2, node.y + node.height / 2, Math.max(0.8, view.scale));
  }

  function isInside(index: number): boolean {
    const { across, down } = size();
    const { x = 0, y = 0, width = 0, height = 0 } = nodes[index] ?? {};
    const inside = x > view.x && y > view.y && x + width < view.x + across / view.scale;
    return inside && y + height < view.y + down / view.scale && view.scale >= 0.35;
  }

  svg.addEventListener(
    'wheel',
    (event) => {
      event.preventDefault();
      const unit = event.deltaMode === 1 ? 16 : event.deltaMode === 2 ? 400 : 1;
      if (Math.abs(event.deltaX) > Math.abs(event.deltaY)) return pan(-event.deltaX * unit, 0);
      // A pinch on a touchpad comes as a wheel with Ctrl.
      zoom(Math.exp(-event.deltaY * unit * (event.ctrlKey ? 0.01 : 0.0016)), {
        x: event.offsetX,
        y: event.offsetY,
      });
    },
    { passive: false },
  );
  svg.addEventListener('pointerdown', ({ pointerId, clientX, clientY, button }) => {
    if (button !== 0) return;
    if (pointers.size === 0) isDragged = false;
    pointers.set(pointerId, { x: clientX, y: clientY });
  });
  svg.addEventListener('pointermove', ({ pointerId, clientX, clientY }) => {
    const before = pointers.get(pointerId);
    if (before === undefined) return;
    const [dx, dy] = [clientX - before.x, clientY - before.y];
    if (!isDragged && pointers.size === 1 && Math.hypot(dx, dy) < 5) return;
    isDragged = true;
    svg.setPointerCapture(pointerId);
    const other = [...pointers].find(([id]) => id !== pointerId)?.[1];
    pointers.set(pointerId, { x: clientX, y: clientY });
    if (other === undefined) return pan(dx, dy);
    const { left, top } = svg.getBoundingClientRect();
    const distance = (point: { x: number; y: number }) =>
      Math.hypot(point.x - other.x, point.y - other.y) || 1;
    const middle = { x: (clientX + other.x) / 2 - left, y: (clientY + other.y) / 2 - top };
    pan(dx / 2, dy / 2);
    zoom(distance({ x: clientX, y: clientY }) / distance(before), middle);
  });
  for (const end of ['pointerup', 'pointercancel'] as const) {
    svg.addEventListener(end, ({ pointerId }) => pointers.delete(pointerId));
  }
  new ResizeObserver(() => !isPrinting && show()).observe(svg);
  // On paper there is no window: everything is shown.
  addEventListener('beforeprint', () => {
    isPrinting = true;
    svg.setAttribute('viewBox', `0 0 ${width} ${height}`);
    world?.removeAttribute('transform');
    svg.classList.remove('far');
    for (const { element, layer } of drawn) layer?.append(element);
  });
  addEventListener('afterprint', () => {
    isPrinting = false;
    svg.removeAttribute('viewBox');
    show();
  });

  svg.removeAttribute('viewBox');
  return {
    ...{ zoom, pan, fit, reveal, attach, isInside },
    /** Whether the pointer moved the drawing, rather than clicked on it. */
    wasDragged: () => isDragged,
    /** Everything, or, where that is too small to read, the neighbourhood of a card. */
    begin(index: number) {
      if (fitting() >= 0.45) fit();
      else reveal(index);
    },
  };
}
