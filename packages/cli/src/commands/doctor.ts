import type { Examination } from '@knitfab/api';
import { Command } from 'commander';
import { connect } from '../connect.ts';
import { Failed } from '../exit.ts';
import { print } from '../output/print.ts';
import { record } from '../output/record.ts';
import { example } from './example.ts';

export const doctor = new Command('doctor')
  .description('check that database, volumes and workers agree with each other')
  .option('--fix', 'mend what can be mended without losing anything')
  .addHelpText('after', example('knit doctor', 'knit doctor --fix'))
  .action(async ({ fix = false }: { fix?: boolean }, command: Command) => {
    const client = await connect(command);
    const examination = await client.examine({ fix });
    await print(command, examination, examinationInWords);
    client.close();
    if (!examination.healthy) throw new Failed();
  });

function examinationInWords({ findings }: Examination, width: number): string {
  const wrong = findings.filter(({ breaches }) => breaches.length > 0);
  if (wrong.length === 0) return `All is well: ${findings.length} rules hold.`;
  return wrong
    .map(({ invariant, rule, breaches, more, mended }) =>
      record(
        [
          [invariant, [rule]],
          [
            'broken',
            [...breaches.map(({ subject, problem }) => `${subject}  ${problem}`), ...(more ? ['…'] : [])],
          ],
          [
            'mended',
            [
              {
                yes: 'yes',
                no: 'no: look at it yourself',
                'not asked for': 'not yet: `knit doctor --fix` does',
              }[mended],
            ],
          ],
        ],
        width,
      ),
    )
    .join('\n\n');
}
