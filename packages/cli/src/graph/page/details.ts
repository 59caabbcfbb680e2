/// <reference lib="dom" />
import type { PageContent } from './content.ts';

export type Details = ReturnType<typeof openDetails>;

/**
 * Tells all about a card, beside the drawing. Part of the page's script: it refers to nothing outside itself.
 * @param go shows another card
 */
export function openDetails(panel: HTMLElement, { nodes, edges }: PageContent, go: (index: number) => void) {
  function element<Name extends keyof HTMLElementTagNameMap>(
    name: Name,
    content: string | readonly Node[],
    className = '',
  ): HTMLElementTagNameMap[Name] {
    const made = document.createElement(name);
    made.className = className;
    made.append(...(typeof content === 'string' ? [content] : content));
    return made;
  }

  function button(text: string, label: string, act: (button: HTMLButtonElement) => void): HTMLButtonElement {
    const made = element('button', text);
    made.type = 'button';
    made.title = label;
    made.setAttribute('aria-label', label);
    made.addEventListener('click', () => act(made));
    return made;
  }

  /** Where the clipboard can't be had, the id is selected, ready to be copied. */
  async function copy(code: HTMLElement, said: HTMLButtonElement): Promise<void> {
    try {
      await navigator.clipboard.writeText(code.textContent ?? '');
      said.textContent = 'copied';
    } catch {
      getSelection()?.selectAllChildren(code);
      said.textContent = document.execCommand('copy') ? 'copied' : 'press Ctrl-C';
    }
    setTimeout(() => {
      said.textContent = 'copy';
    }, 1500);
  }

  const value = (text: string, isTag: boolean): HTMLElement => {
    const colon = isTag ? text.indexOf(':') + 1 : 0;
    return element('li', [
      element('span', text.slice(0, colon), 'key'),
      document.createTextNode(text.slice(colon)),
    ]);
  };

  function neighbours(
    title: string,
    found: readonly { readonly index: number; readonly label: string }[],
  ): Node[] {
    if (found.length === 0) return [];
    const items = found.map(({ index, label }) => {
      const { kind = '', name = '' } = nodes[index] ?? {};
      const link = button(`${kind} ${name}`, `Go to ${kind} ${name}`, () => go(index));
      return element('li', [element('span', label, 'key'), document.createTextNode(' '), link]);
    });
    return [element('h3', title), element('ul', items)];
  }

  return {
    show(index: number): void {
      const node = nodes[index];
      if (node === undefined) return;
      const code = element('code', node.id);
      const close = button('×', 'Close (Esc)', () => this.hide());
      close.className = 'close';
      panel.replaceChildren(
        close,
        element('p', node.kind, 'kind'),
        element('h2', node.name),
        element(
          'p',
          [
            code,
            document.createTextNode(' '),
            button('copy', 'Copy the id', (said) => void copy(code, said)),
          ],
          'id',
        ),
        ...node.details.flatMap(({ label, values }) => [
          element('h3', label),
          values.length === 0
            ? element('p', 'none', 'none')
            : element(
                'ul',
                values.map((text) => value(text, label === 'tags')),
              ),
        ]),
        ...neighbours(
          'from',
          edges
            .filter(({ target }) => target === index)
            .map(({ source, label }) => ({ index: source, label })),
        ),
        ...neighbours(
          'to',
          edges
            .filter(({ source }) => source === index)
            .map(({ target, label }) => ({ index: target, label })),
        ),
      );
      panel.hidden = false;
      panel.scrollTop = 0;
    },
    hide(): void {
      panel.hidden = true;
      panel.dispatchEvent(new Event('close'));
    },
  };
}
