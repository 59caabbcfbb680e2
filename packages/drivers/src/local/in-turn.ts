/** Does things that concern the same name one after the other, and others side by side. */
export class InTurn {
  readonly #last = new Map<string, Promise<unknown>>();

  async do<Result>(name: string, work: () => Promise<Result>): Promise<Result> {
    const before = this.#last.get(name);
    const result = before === undefined ? work() : before.then(work, work);
    this.#last.set(name, result);
    try {
      return await result;
    } finally {
      if (this.#last.get(name) === result) this.#last.delete(name);
    }
  }
}
