import { formatTag, type KnitId, type PlanId, type Tag } from '@knitfab/core';

// What spec page 1 says of nomination and projection, in the plainest words: sets, and no database. The engine has to come to
// the same, whatever happens in between.

interface ModelPlan {
  inputs: readonly (readonly Tag[])[];
}

/** The combinations of Data that should have a Run, and those that may have one. */
export class Model {
  /** The tags of each Data whose Run is done. */
  readonly data = new Map<KnitId, Set<string>>();
  readonly plans = new Map<PlanId, ModelPlan>();
  /** Every combination that was ever possible: projection may have seen it before it went. */
  readonly #ever = new Set<string>();

  addData(knitId: KnitId, tags: readonly Tag[]): void {
    this.data.set(knitId, new Set(tags.map(formatTag)));
    this.#note();
  }

  removeData(knitId: KnitId): void {
    this.data.delete(knitId);
  }

  changeTags(knitId: KnitId, { add, remove }: { add: readonly Tag[]; remove: readonly Tag[] }): void {
    const tags = this.data.get(knitId);
    for (const tag of remove) tags?.delete(formatTag(tag));
    for (const tag of add) tags?.add(formatTag(tag));
    this.#note();
  }

  addPlan(planId: PlanId, inputs: ModelPlan['inputs']): void {
    this.plans.set(planId, { inputs });
    this.#note();
  }

  /** What must have a Run once all loops have come to rest. */
  possible(): Set<string> {
    return new Set([...this.plans].flatMap(([planId, plan]) => this.#combinations(planId, plan)));
  }

  mayHaveRun(combination: string): boolean {
    return this.#ever.has(combination);
  }

  #note(): void {
    for (const combination of this.possible()) this.#ever.add(combination);
  }

  #combinations(planId: PlanId, { inputs }: ModelPlan): string[] {
    const choices = inputs.map((asked) =>
      [...this.data].filter(([, tags]) => asked.every((tag) => tags.has(formatTag(tag)))).map(([id]) => id),
    );
    const product = choices.reduce<KnitId[][]>(
      (rows, ids) => rows.flatMap((row) => ids.map((id) => [...row, id])),
      [[]],
    );
    return product.map((ids) => combinationOf(planId, ids));
  }
}

/** A Plan and the Data of its inputs, in the order of the inputs. */
export const combinationOf = (planId: PlanId, knitIds: readonly KnitId[]): string =>
  [planId, ...knitIds].join(' ');
