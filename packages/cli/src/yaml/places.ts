import { fieldPath } from '@knitfab/api';
import { Invalid } from '@knitfab/core';
import { type Document, isMap, isNode, isScalar, type LineCounter, type Node } from 'yaml';

type Path = readonly PropertyKey[];

/** Where the parts of a YAML document stand, for messages. */
export class YamlPlaces {
  readonly #document: Document;
  readonly #lines: LineCounter;
  readonly #name: string;

  constructor(document: Document, lines: LineCounter, name: string) {
    this.#document = document;
    this.#lines = lines;
    this.#name = name;
  }

  /** `plan.yaml:3:5`, of the part, or of the nearest around it that is there. */
  at(path: Path): string {
    for (let length = path.length; length > 0; length--) {
      const node = this.#node(path.slice(0, length));
      if (node?.range) return this.#position(node.range[0]);
    }
    return this.#position(this.#document.contents?.range?.[0] ?? this.#document.range?.[0] ?? 0);
  }

  /** {@link at}, of a field's name rather than its value. */
  atKey(path: Path): string {
    const parent = path.length === 1 ? this.#document.contents : this.#node(path.slice(0, -1));
    const pair = isMap(parent)
      ? parent.items.find(({ key }) => isScalar(key) && String(key.value) === path.at(-1))
      : undefined;
    return isNode(pair?.key) && pair.key.range ? this.#position(pair.key.range[0]) : this.at(path);
  }

  /** A problem with a part, its place before it. */
  invalid(path: Path, problem: Invalid): Invalid {
    return invalidAt(this.at(path), problem, this.#hint(path, problem));
  }

  /** A problem with a field's name, its place before it. */
  invalidKey(path: Path, problem: Invalid): Invalid {
    return invalidAt(this.atKey(path), problem);
  }

  /** A problem at an offset into the text. */
  invalidAt(offset: number, problem: Invalid): Invalid {
    return invalidAt(this.#position(offset), problem);
  }

  /** What YAML makes of things that people write, where that is the mistake. */
  #hint(path: Path, { reason }: Invalid): string | undefined {
    const node = this.#node(path);
    if (isMap(node) && reason.includes('must be a tag')) {
      return 'In YAML "key: value" with a space is not text: leave the space out, or put it in quotes.';
    }
    if (
      reason.includes('must be true or false') &&
      isScalar(node) &&
      /^(y|n|yes|no|on|off)$/i.test(`${node.value}`)
    ) {
      return 'In YAML 1.2 that is text: write true or false.';
    }
    return reason.includes('must be text, not') && isScalar(node) && node.value !== null
      ? 'Put it in quotes.'
      : undefined;
  }

  #node(path: Path): Node | undefined {
    const node = this.#document.getIn(path, true);
    return isNode(node) ? node : undefined;
  }

  #position(offset: number): string {
    const { line, col } = this.#lines.linePos(offset);
    return `${this.#name}:${line}:${col}`;
  }
}

/** The name of a part as people read it: `inputs[0].path`. */
export const fieldName = (path: Path): string => fieldPath(path);

function invalidAt(place: string, problem: Invalid, hint?: string): Invalid {
  const advice = hint ?? problem.advice;
  return new Invalid({
    reason: `${place}: ${problem.reason}`,
    ...(advice !== undefined && { advice }),
    cause: problem,
  });
}
