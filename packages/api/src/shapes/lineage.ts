import { z } from 'zod';
import { uuidText } from './ids.ts';
import { runSummary } from './run.ts';
import { tagText } from './tag.ts';

/** A Data in a lineage. */
export const lineageData = z.object({ knitId: uuidText, tags: z.array(tagText) }).meta({ id: 'LineageData' });

/** How a Data and a Run are connected: the Run reads it as an input, or wrote it as an output or as its log. */
export const lineageEdge = z
  .object({
    runId: uuidText,
    knitId: uuidText,
    role: z.enum(['input', 'output', 'log']),
    path: z.string().optional().meta({ description: 'Where the Data is mounted; a log has no path' }),
  })
  .meta({ id: 'LineageEdge' });

/**
 * A part of the graph Data → Run → Data: the ancestors and descendants of `root` within a depth counted in Data. A Data
 * less than the depth away shows its Run (up) or Runs (down), and with them their inputs, or their outputs and logs, one
 * step further away. `truncated` says whether the graph goes on beyond the depth: with Data up, with Runs down.
 */
export const lineage = z
  .object({
    root: uuidText.meta({ description: 'knitId or runId that was asked for' }),
    data: z.array(lineageData),
    runs: z.array(runSummary),
    edges: z.array(lineageEdge),
    truncated: z.object({ up: z.boolean(), down: z.boolean() }),
  })
  .meta({ id: 'Lineage' });

export type LineageData = z.infer<typeof lineageData>;
export type LineageEdge = z.infer<typeof lineageEdge>;
export type Lineage = z.infer<typeof lineage>;
