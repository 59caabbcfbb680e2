import { z } from 'zod';
import { versionInfo } from '../shapes/version.ts';
import { endpoint, json } from './endpoint.ts';
import { routes } from './routes.ts';

const health = z.object({ status: z.literal('ok') }).meta({ id: 'Health' });

export const systemEndpoints = {
  getVersion: endpoint({
    ...routes.getVersion,
    tag: 'System',
    summary: 'Get the version of the server, and what it can do',
    response: json(versionInfo, 'The version'),
  }),
  getOpenApi: endpoint({
    ...routes.getOpenApi,
    tag: 'System',
    summary: 'Get this description of the API',
    response: json(z.record(z.string(), z.unknown()), 'An OpenAPI 3.1 document'),
  }),
  getHealth: endpoint({
    ...routes.getHealth,
    tag: 'System',
    summary: 'Whether the server is alive',
    response: json(health, 'It is'),
  }),
  getReadiness: endpoint({
    ...routes.getReadiness,
    tag: 'System',
    summary: 'Whether the server can do its work: the database answers',
    response: json(health, 'It can'),
  }),
};
