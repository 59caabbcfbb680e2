import { z } from 'zod';

/** A list that may be left out or `null`, as 1.6 clients write an absent one (spec page 2). */
export const listOrAbsent = <Item extends z.ZodType>(item: Item) =>
  z
    .array(item)
    .nullish()
    .transform((list): z.output<Item>[] => list ?? []);
