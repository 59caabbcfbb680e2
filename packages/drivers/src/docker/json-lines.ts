import type { Readable } from 'node:stream';
import { StringDecoder } from 'node:string_decoder';

/** The messages of a stream of JSON, one a line, as both engines write them; a line that is none is left out. */
export async function* jsonLines<Message>(stream: Readable): AsyncGenerator<Message, void> {
  const decoder = new StringDecoder('utf8');
  let rest = '';
  for await (const chunk of stream) {
    const lines = (rest + decoder.write(chunk as Buffer)).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) yield* parsed<Message>(line);
  }
  yield* parsed<Message>(rest);
}

function* parsed<Message>(line: string): Generator<Message, void> {
  try {
    const message: unknown = JSON.parse(line);
    if (typeof message === 'object' && message !== null) yield message as Message;
  } catch {
    // Not a message: an empty line that keeps the connection alive, or one that was cut off.
  }
}
