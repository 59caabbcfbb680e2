import pg from 'pg';

/** Does something with a database behind its server's back. */
export async function withDatabase<Result>(
  connectionString: string,
  work: (database: pg.Client) => Promise<Result>,
): Promise<Result> {
  const database = new pg.Client({ connectionString });
  await database.connect();
  try {
    return await work(database);
  } finally {
    await database.end();
  }
}
