import { type Examination, endpoints } from '@knitfab/api';
import type { FastifyInstance } from 'fastify';
import type { Backend } from '../backend.ts';
import { serve } from '../serve.ts';

/** `/api/doctor`: what must hold, and whether it does (spec page 8, row 5). */
export function doctorRoutes(app: FastifyInstance, backend: Backend): void {
  const examined = async (fix: boolean): Promise<Examination> => {
    const findings = await backend.examine({ fix });
    return {
      healthy: findings.every(({ breaches, mended }) => breaches.length === 0 || mended === 'yes'),
      findings,
    };
  };
  serve(app, endpoints.examine, () => examined(false));
  serve(app, endpoints.mend, () => examined(true));
}
