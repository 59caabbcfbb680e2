/** A program that starts the embedded server of the options it is given, says so, and lives until it is killed. */
import { type EmbeddedPostgresOptions, startEmbeddedPostgres } from '../../src/embedded/index.ts';

const options = JSON.parse(process.argv[2] ?? '') as EmbeddedPostgresOptions;
try {
  const { pid, adopted, connectionString } = await startEmbeddedPostgres(options);
  console.log(JSON.stringify({ pid, adopted, connectionString }));
  process.stdin.resume();
} catch (error) {
  console.log(JSON.stringify({ error: (error as Error).name, message: (error as Error).message }));
}
