import { z } from 'zod';
import { examination } from '../shapes/doctor.ts';
import { limitsChange, pauseRequest, systemState } from '../shapes/system.ts';
import { versionInfo } from '../shapes/version.ts';
import { endpoint, json } from './endpoint.ts';
import { routes } from './routes.ts';

const health = z.object({ status: z.literal('ok') }).meta({ id: 'Health' });

const state = json(systemState, 'What holds for all Runs now');

export const systemEndpoints = {
  getSystem: endpoint({
    ...routes.getSystem,
    tag: 'System',
    summary: 'Get what holds for all Runs: a pause, limits',
    response: state,
  }),
  pauseSystem: endpoint({
    ...routes.pauseSystem,
    tag: 'System',
    summary: 'Start no more Runs until resumed; those that have begun go on',
    body: pauseRequest,
    response: state,
    errors: [400],
  }),
  resumeSystem: endpoint({
    ...routes.resumeSystem,
    tag: 'System',
    summary: 'Start Runs again',
    response: state,
  }),
  limitSystem: endpoint({
    ...routes.limitSystem,
    tag: 'System',
    summary: 'Change the limits that hold for all Runs',
    body: limitsChange,
    response: state,
    errors: [400],
  }),
  examine: endpoint({
    ...routes.examine,
    tag: 'System',
    summary: 'Check that database, volumes and workers agree with each other',
    response: json(examination, 'What was looked at, and what is wrong'),
  }),
  mend: endpoint({
    ...routes.mend,
    tag: 'System',
    summary: 'Check the same, and mend what can be mended without losing anything',
    response: json(examination, 'What was looked at, what was wrong, and what was mended'),
  }),
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
  getReference: endpoint({
    ...routes.getReference,
    tag: 'System',
    summary: 'Browse this description of the API',
    response: { status: 200, contentTypes: ['text/html'], description: 'A page' },
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
  getMetrics: endpoint({
    ...routes.getMetrics,
    tag: 'System',
    summary: 'Get what Prometheus collects',
    response: {
      status: 200,
      contentTypes: ['text/plain'],
      description: "The metrics in Prometheus' text format",
    },
  }),
};
