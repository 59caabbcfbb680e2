import { Invalid } from '@knitfab/core';
import { type Document, isMap, isNode, isScalar, type LineCounter, type Node } from 'yaml';

type Path = readonly PropertyKey[];

/** Where the parts of a YAML document stand, for messages. */
export class PlanPlaces {
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
    return this.#position(this.#document.contents?.range?.[0] ?? 0);
  }

  /** {@link at}, of a field's name rather than its value. */
  atKey(path: Path): string {
    const parent = path.length === 1 ? this.#document.contents : this.#node(path.slice(0, -1));
    const pair = isMap(parent)
      ? parent.items.find(({ key }) => isScalar(key) && key.value === path.at(-1))
      : undefined;
    return isNode(pair?.key) && pair.key.range ? this.#position(pair.key.range[0]) : this.at(path);
  }

  invalid(path: Path, problem: Invalid): Invalid {
    return this.#invalid(this.at(path), problem, this.#hint(path, problem));
  }

  invalidAt(offset: number, problem: Invalid): Invalid {
    return this.#invalid(this.#position(offset), problem, undefined);
  }

  #invalid(place: string, problem: Invalid, hint: string | undefined): Invalid {
    const advice = hint ?? problem.advice;
    return new Invalid({
      reason: `${place}: ${problem.reason}`,
      ...(advice !== undefined && { advice }),
      cause: problem,
    });
  }

  /** What YAML makes of things that people write, where that is the mistake. */
  #hint(path: Path, { reason }: Invalid): string | undefined {
    if (isMap(this.#node(path)) && reason.includes('must be a tag')) {
      return 'In YAML "key: value" with a space is not text: leave the space out, or put it in quotes.';
    }
    return reason.includes('must be text, not') ? 'Put it in quotes.' : undefined;
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
