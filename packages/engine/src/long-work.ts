/**
 * Work on rows that may take long: it is waited for a little while, so that a slow row does not hold up the others of its step,
 * and goes on beside the steps that come after.
 */
export class LongWork<Row> {
  readonly #work: (row: Row) => Promise<void>;
  readonly #patienceMilliseconds: number;
  readonly #underWay = new Map<string, Row>();
  readonly #ended = new Map<string, { error?: unknown }>();

  constructor(work: (row: Row) => Promise<void>, patienceMilliseconds: number) {
    this.#work = work;
    this.#patienceMilliseconds = patienceMilliseconds;
  }

  /** What is still being worked on: not to be begun again. */
  get underWay(): Row[] {
    return [...this.#underWay.values()];
  }

  /**
   * Works on a row, or hears how the work came out that was begun in an earlier step.
   * @param key names the work: never the same for another one
   * @returns whether it is done; else it goes on, and is to be asked for again
   * @throws what the work has thrown
   */
  async attempt(key: string, row: Row): Promise<boolean> {
    const known = this.#ended.get(key);
    if (known !== undefined) {
      this.#ended.delete(key);
      if ('error' in known) throw known.error;
      return true;
    }
    const work = this.#work(row);
    let timer: NodeJS.Timeout | undefined;
    const patience = new Promise<false>((resolve) => {
      timer = setTimeout(() => resolve(false), this.#patienceMilliseconds);
    });
    const isDone = await Promise.race([work.then(() => true), patience]).finally(() => clearTimeout(timer));
    if (!isDone) this.#goOn(key, row, work);
    return isDone;
  }

  #goOn(key: string, row: Row, work: Promise<void>): void {
    const end = (outcome: { error?: unknown }) => {
      this.#underWay.delete(key);
      this.#ended.set(key, outcome);
    };
    this.#underWay.set(key, row);
    work.then(
      () => end({}),
      (error: unknown) => end({ error }),
    );
  }
}
