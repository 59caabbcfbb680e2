/** Work that goes on, or has ended. */
export interface Going<Row> {
  readonly row: Row;
  /** For how long it has been going on, in milliseconds. */
  readonly milliseconds: number;
}

/**
 * Work on rows that may take long: it is waited for a little while, so that a slow row does not hold up the others of its step,
 * and goes on beside the steps that come after. One that went on is never begun a second time before it has ended.
 */
export class LongWork<Row> {
  readonly #work: (row: Row) => Promise<void>;
  readonly #patienceMilliseconds: number;
  readonly #begun = new Map<Row, number>();
  #ended: { row: Row; error?: Error }[] = [];

  constructor(work: (row: Row) => Promise<void>, patienceMilliseconds: number) {
    this.#work = work;
    this.#patienceMilliseconds = patienceMilliseconds;
  }

  /** What goes on beside the steps: not to be begun again. */
  get underWay(): Going<Row>[] {
    const now = performance.now();
    return [...this.#begun].map(([row, begun]) => ({ row, milliseconds: now - begun }));
  }

  /** What has ended beside the steps, each told once, with what it has thrown. */
  takeEnded(): { row: Row; error?: Error }[] {
    const ended = this.#ended;
    this.#ended = [];
    return ended;
  }

  /**
   * Works on a row.
   * @returns whether it is done; else it goes on, and `takeEnded` tells of its end
   * @throws what the work has thrown
   */
  async attempt(row: Row): Promise<boolean> {
    const begun = performance.now();
    const work = this.#work(row);
    let timer: NodeJS.Timeout | undefined;
    const patience = new Promise<false>((resolve) => {
      timer = setTimeout(() => resolve(false), this.#patienceMilliseconds);
    });
    const isDone = await Promise.race([work.then(() => true), patience]).finally(() => clearTimeout(timer));
    if (!isDone) this.#goOn(row, begun, work);
    return isDone;
  }

  #goOn(row: Row, begun: number, work: Promise<void>): void {
    const end = (outcome: { error?: Error }) => {
      this.#begun.delete(row);
      this.#ended.push({ row, ...outcome });
    };
    this.#begun.set(row, begun);
    work.then(
      () => end({}),
      (error: unknown) => end({ error: error instanceof Error ? error : new Error(String(error)) }),
    );
  }
}
