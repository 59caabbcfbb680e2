// Where the command starts that is released as one executable file (scripts/release.ts), with its runtime inside.
import { main } from '../src/main.ts';

await main(process.argv.slice(2));
