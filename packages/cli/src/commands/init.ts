import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Command } from 'commander';
import { commonOptionsOf } from '../connect.ts';
import { note } from '../output/print.ts';
import { ownProfileName, profileNameFile } from '../profile/choose.ts';
import { checkedProfile } from '../profile/profile.ts';
import { readYaml } from '../profile/read-yaml.ts';
import { defaultProfileStore, storeProfile } from '../profile/store.ts';
import { example } from './example.ts';

const advice =
  'It has to be what the administrator of the server handed out: apiRoot, and cert.ca for its certificate.';

export const init = new Command('init')
  .argument('<KNITPROFILE_FILE>', 'how to reach the server, as its administrator hands it out')
  .addHelpText(
    'after',
    `
Stores the profile and writes .knitprofile: from then on, knit talks to this server in
this directory and in all below it.
${example('knit init ./handout/knitprofile')}`,
  )
  .action(async (file: string, _, command: Command) => {
    const { profile, profileStore = defaultProfileStore() } = commonOptionsOf(command);
    const directory = process.cwd();
    const content = checkedProfile((await readYaml(file, advice)).content, file);
    const name = profile ?? (await ownProfileName(directory)) ?? directory;
    await storeProfile(profileStore, name, content);
    await writeFile(join(directory, profileNameFile), `${name}\n`);
    note(`knit talks to ${content.apiRoot} in ${directory} now (profile "${name}" in ${profileStore}).`);
  });
