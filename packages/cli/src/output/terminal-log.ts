import { harmless } from './harmless.ts';
import { isColoured } from './style.ts';

const escapeCharacter = '\x1b';
const beforeEscape = new RegExp(`(?=${escapeCharacter})`);
/** Colours: "Select Graphic Rendition" (ECMA-48, 8.3.117). */
const colour = new RegExp(`^${escapeCharacter}\\[[0-9;:]*m`);
/** What may still become a colour when more arrives. */
const openEscape = new RegExp(`${escapeCharacter}(?:\\[[0-9;:]{0,30})?$`);
const special = /[^\t\n\r\x20-\x7e]/;
const reset = `${escapeCharacter}[0m`;

/**
 * A log for a terminal: its colours are kept where colours are wanted; everything else that could command the terminal is
 * shown as what it is, and so are bytes that are no UTF-8. Tabs, line feeds and carriage returns stay: progress bars live
 * of them.
 */
export async function* terminalLog(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<string, void> {
  const decoder = new TextDecoder();
  const keepColours = isColoured(process.stdout);
  let rest = '';
  let isColourOpen = false;
  for await (const chunk of chunks) {
    const text = rest + decoder.decode(chunk, { stream: true });
    const open = openEscape.exec(text)?.index ?? text.length;
    rest = text.slice(open);
    const shown = shownOnTerminal(text.slice(0, open), keepColours);
    isColourOpen ||= shown.includes(escapeCharacter);
    yield shown;
  }
  yield shownOnTerminal(rest + decoder.decode(), keepColours);
  if (isColourOpen) yield reset;
}

function shownOnTerminal(text: string, keepColours: boolean): string {
  if (!special.test(text)) return text;
  return text
    .split(beforeEscape)
    .map((part) => {
      const [start = ''] = colour.exec(part) ?? [];
      return (
        (keepColours ? start : '') +
        part
          .slice(start.length)
          .split(/([\t\n\r]+)/)
          .map(unlessSpace)
          .join('')
      );
    })
    .join('');
}

const unlessSpace = (text: string, index: number): string => (index % 2 === 1 ? text : harmless(text));
