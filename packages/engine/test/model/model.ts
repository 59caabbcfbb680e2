import { formatTag, type KnitId, type PlanId, type Tag } from '@knitfab/core';

// What spec page 1 says of nomination and projection, in the plainest words: sets, and no database. The engine has to come to
// the same, whatever happens in between.

interface ModelPlan {
  inputs: readonly (readonly Tag[])[];
}

type Tags = ReadonlySet<string>;

/** What a user's action has changed, as the action itself tells. */
export type Effect =
  | { what: 'plan'; planId: PlanId; inputs: ModelPlan['inputs'] }
  | {
      what: 'data';
      knitId: KnitId;
      /** Of two effects on one Data, that with the greater number came later. */
      order: number;
      /** The tags after it, by those before it; no tags at all where the Data is gone. */
      change(tags: Tags | undefined): Tags | undefined;
    };

/** The combinations of Data that should have a Run, and those that may have one. */
export class Model {
  /** All tags of each Data whose Run is done, those of the system too. */
  readonly data = new Map<KnitId, Tags>();
  readonly plans = new Map<PlanId, ModelPlan>();
  /** Data that the model has ever had. */
  readonly #known = new Set<KnitId>();
  /** Every combination that was ever possible: projection may have seen it before it went. */
  readonly #ever = new Set<string>();

  /**
   * Takes over what actions have done that went on at the same time. In between, a Data was in each state that it went through
   * while any other was in any of its own.
   */
  follow(effects: readonly Effect[]): void {
    const states = new Map([...this.data].map(([knitId, tags]) => [knitId, [tags]]));
    const inOrder = effects.toSorted((a, b) => ('order' in a && 'order' in b ? a.order - b.order : 0));
    for (const effect of inOrder) {
      if (effect.what === 'plan') {
        this.plans.set(effect.planId, effect);
        continue;
      }
      const { knitId } = effect;
      const tags = effect.change(this.data.get(knitId));
      if (tags === undefined) {
        this.data.delete(knitId);
        continue;
      }
      this.#known.add(knitId);
      this.data.set(knitId, tags);
      states.set(knitId, [...(states.get(knitId) ?? []), tags]);
    }
    for (const combination of this.#possible(states)) this.#ever.add(combination);
  }

  /** What must have a Run once all loops have come to rest. */
  possible(): string[] {
    return this.#possible(new Map([...this.data].map(([knitId, tags]) => [knitId, [tags]])));
  }

  mayHaveRun(combination: string): boolean {
    return this.#ever.has(combination);
  }

  /** Data that Runs have made and that were gone before the model was told of them are of no combination it knows. */
  knows(knitId: KnitId): boolean {
    return this.#known.has(knitId);
  }

  #possible(states: ReadonlyMap<KnitId, readonly Tags[]>): string[] {
    return [...this.plans].flatMap(([planId, { inputs }]) => {
      const asked = inputs.map((tags) => tags.map(formatTag));
      const choices = asked.map((tags) =>
        [...states.keys()].filter((knitId) => states.get(knitId)?.some((has) => fits(tags, has))),
      );
      const product = choices.reduce<KnitId[][]>(
        (rows, ids) => rows.flatMap((row) => ids.map((id) => [...row, id])),
        [[]],
      );
      // One Data on two inputs has to fit both at the same time.
      const atOnce = (ids: KnitId[]) =>
        new Set(ids).size === ids.length ||
        ids.every((id) =>
          states
            .get(id)
            ?.some((has) => asked.every((tags, position) => ids[position] !== id || fits(tags, has))),
        );
      return product.filter(atOnce).map((ids) => combinationOf(planId, ids));
    });
  }
}

const fits = (asked: readonly string[], has: Tags): boolean => asked.every((tag) => has.has(tag));

/** A Plan and the Data of its inputs, in the order of the inputs. */
export const combinationOf = (planId: PlanId, knitIds: readonly KnitId[]): string =>
  [planId, ...knitIds].join(' ');
