import { readFile } from 'node:fs/promises';
import { Command } from 'commander';
import { example } from './example.ts';

const text = `Knitfab is licensed under the Apache License, Version 2.0 (the "License");
you may not use it except in compliance with the License.
You may obtain a copy of the License at

    http://www.apache.org/licenses/LICENSE-2.0

Unless required by applicable law or agreed to in writing, software
distributed under the License is distributed on an "AS IS" BASIS,
WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
See the License for the specific language governing permissions and
limitations under the License.
`;

/** A released executable holds this folder beside the one of its modules; elsewhere each package brings its own license. */
const thirdParties = new URL('../licenses/third-party.txt', import.meta.url);

export const license = new Command('license')
  .addHelpText('after', example('knit license'))
  .action(async () => {
    const notices = await readFile(thirdParties, 'utf8').catch(() => undefined);
    const others = notices && `\nThis executable also contains the work of others:\n\n${notices}`;
    process.stdout.write(text + (others ?? ''));
  });
