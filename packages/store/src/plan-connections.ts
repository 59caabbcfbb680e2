import { sql } from 'kysely';
import type { Tx } from './database.ts';
import { byId, inputPoints, outputPoints, type Point } from './mountpoints.ts';

/**
 * The points that are connected to these: for inputs their upstream outputs and logs, for outputs their downstream inputs.
 * Two are connected when the output's tags contain all the user tags of the input (spec page 2). An input without user tags
 * pins one Data; it is connected to nothing, since every output would do.
 */
export async function connectedPoints(
  tx: Tx,
  direction: 'upstream' | 'downstream',
  ids: readonly number[],
): Promise<Map<number, Point[]>> {
  const here = sql.ref(direction === 'upstream' ? 'plan_input_tag.input_id' : 'plan_output_tag.output_id');
  const { rows } = await sql<{ input_id: number; output_id: number }>`
    select plan_input_tag.input_id, plan_output_tag.output_id
    from plan_input_tag join plan_output_tag using (tag_id) join plan_input using (input_id)
    where ${here} = any (${ids}::bigint[])
    group by plan_input_tag.input_id, plan_output_tag.output_id, plan_input.tag_count
    having count(*) = plan_input.tag_count
    order by 1, 2`.execute(tx);
  const ends =
    direction === 'upstream'
      ? byId(await outputPoints(tx, { outputIds: rows.map((row) => row.output_id) }))
      : byId(await inputPoints(tx, { inputIds: rows.map((row) => row.input_id) }));
  const [from, to] =
    direction === 'upstream' ? (['input_id', 'output_id'] as const) : (['output_id', 'input_id'] as const);
  const result = new Map<number, Point[]>();
  for (const row of rows) {
    const list = result.get(row[from]) ?? [];
    list.push(ends(row[to]));
    result.set(row[from], list);
  }
  return result;
}
