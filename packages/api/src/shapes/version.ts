import { z } from 'zod';

/** What answers: an addition to 1.6, whose servers answer 404. */
export const versionInfo = z
  .object({
    version: z.string(),
    compatibleWith: z.string().meta({ description: 'Version of Knitfab whose wire this server speaks' }),
    driver: z.string().meta({ description: 'local, docker or kubernetes' }),
    contentTypes: z.array(z.string()).meta({ description: 'Archives that the server takes and gives' }),
  })
  .meta({ id: 'Version' });

export type VersionInfo = z.infer<typeof versionInfo>;
