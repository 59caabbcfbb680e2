import { endpoints, type SystemState } from '@knitfab/api';
import { formatTime } from '@knitfab/core';
import {
  changeSystemLimits,
  pauseSystem,
  readSystem,
  resumeSystem,
  type Store,
  type System,
  type Tx,
  transaction,
} from '@knitfab/store';
import type { FastifyInstance } from 'fastify';
import { serve } from '../serve.ts';

/** `/api/system`: what holds for all Runs (spec page 8, row 8). */
export function schedulingRoutes(app: FastifyInstance, { db }: Store): void {
  const changed = async (change: (tx: Tx) => Promise<void>) => {
    await transaction(db, change);
    return onWire(await readSystem(db));
  };
  serve(app, endpoints.getSystem, async () => onWire(await readSystem(db)));
  serve(app, endpoints.pauseSystem, ({ body }) => changed((tx) => pauseSystem(tx, body?.reason ?? null)));
  serve(app, endpoints.resumeSystem, () => changed(resumeSystem));
  serve(app, endpoints.limitSystem, ({ body: { max_running: maxRunning, inactive_above: inactiveAbove } }) =>
    changed((tx) =>
      changeSystemLimits(tx, {
        ...(maxRunning !== undefined && { maxRunning }),
        ...(inactiveAbove !== undefined && { inactiveAbove }),
      }),
    ),
  );
}

const onWire = ({ paused, maxRunning, inactiveAbove }: System): SystemState => ({
  ...(paused && {
    paused: {
      since: formatTime(paused.since),
      ...(paused.reason !== undefined && { reason: paused.reason }),
    },
  }),
  limits: { max_running: maxRunning ?? null, inactive_above: inactiveAbove },
});
