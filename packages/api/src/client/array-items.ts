const [quote, backslash, comma, space] = [0x22, 0x5c, 0x2c, 0x20];
const [openingBracket, closingBracket] = [0x5b, 0x5d];
/** What some servers write in place of an empty array. */
const nothing = 'null';
const opening = new Set([openingBracket, 0x7b]); // [ {
const closing = new Set([closingBracket, 0x7d]); // ] }

/**
 * Reads a JSON array (or `null`, as an empty one) that arrives in pieces, item by item, so that an answer of any length takes
 * the memory of one item.
 * @throws {SyntaxError} when it is no JSON array
 */
export async function* arrayItems<Item>(chunks: AsyncIterable<Buffer>): AsyncGenerator<Item, void> {
  const array = new ArrayScanner();
  for await (const chunk of chunks) {
    for (const item of array.read(chunk)) yield JSON.parse(item) as Item;
  }
  array.finish();
}

/** Finds where the items of an array begin and end; whether they are JSON is for a parser to say. */
class ArrayScanner {
  #depth = 0;
  #isInString = false;
  #isEscaped = false;
  #isOver = false;
  #isEmpty = true;
  /** What stands where the array should begin. */
  #outside = '';
  /** What has come of an item that is not complete yet. */
  #pieces: Buffer[] = [];

  /** The texts of the items that this chunk completes. */
  *read(chunk: Buffer): Generator<string, void> {
    let start = 0;
    for (let index = 0; index < chunk.length; index++) {
      const end = this.#step(chunk[index] as number);
      if (end === undefined) continue;
      if (end !== 'array-start') {
        this.#pieces.push(chunk.subarray(start, index));
        const text = Buffer.concat(this.#pieces).toString('utf8');
        this.#pieces = [];
        const isNone = end === 'array-end' && this.#isEmpty && text.trim() === '';
        this.#isEmpty = false;
        if (!isNone) yield text;
      }
      start = index + 1;
    }
    if (this.#depth > 0) this.#pieces.push(chunk.subarray(start));
  }

  finish(): void {
    if (!this.#isOver && this.#outside !== nothing) throw new SyntaxError('the array has no end');
  }

  #step(byte: number): 'array-start' | 'item-end' | 'array-end' | undefined {
    if (this.#isInString) {
      if (this.#isEscaped) this.#isEscaped = false;
      else if (byte === backslash) this.#isEscaped = true;
      else if (byte === quote) this.#isInString = false;
      return undefined;
    }
    if (this.#depth === 0) return this.#stepOutside(byte);
    if (byte === quote) this.#isInString = true;
    else if (opening.has(byte)) this.#depth++;
    else if (closing.has(byte)) {
      this.#depth--;
      if (this.#depth > 0) return undefined;
      if (byte !== closingBracket) throw new SyntaxError('the array ends with a brace');
      this.#isOver = true;
      return 'array-end';
    } else if (byte === comma && this.#depth === 1) return 'item-end';
    return undefined;
  }

  #stepOutside(byte: number): 'array-start' | undefined {
    if (byte <= space) return undefined;
    if (byte === openingBracket && !this.#isOver && this.#outside === '') {
      this.#depth = 1;
      return 'array-start';
    }
    this.#outside += String.fromCharCode(byte);
    if (this.#isOver || !nothing.startsWith(this.#outside)) throw new SyntaxError('this is no array');
    return undefined;
  }
}
