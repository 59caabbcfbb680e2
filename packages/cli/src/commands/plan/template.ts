import { existsSync, fstatSync } from 'node:fs';
import { Command } from 'commander';
import { knitEnvOf } from '../../connect.ts';
import { UsageError } from '../../exit.ts';
import { image } from '../../options/values.ts';
import { note } from '../../output/print.ts';
import type { TemplateSource } from '../../plan-file/template.ts';
import { example } from '../example.ts';

interface TemplateOptions {
  readonly scratch?: boolean;
  readonly input?: string;
}

export const template = new Command('template')
  .description('write a Plan to start from, with comments, guessed from an image')
  .argument('[IMAGE:TAG]', 'the image, where there are several; with --scratch, image of the Plan', image)
  .option('--scratch', 'a blank one, without looking at an image')
  .option(
    '-i, --input <FILE>',
    'what docker save, podman save or skopeo copy wrote, - for stdin; when left out, what is piped in, else Docker or Podman is asked',
  )
  .addHelpText(
    'after',
    `
The archive may be Docker's or of the OCI layout, and compressed with gzip or zstd. Tags
and resources of knitenv go into the template.
${example(
  'knit plan template prep:v1 > plan.yaml',
  'docker save prep:v1 | knit plan template > plan.yaml',
  'knit plan template -i prep.tar.gz prep:v1 > plan.yaml',
  'knit plan template --scratch host:v1 > plan.yaml',
)}`,
  )
  .action(async (name: string | undefined, options: TemplateOptions, command: Command) => {
    const env = await knitEnvOf(command);
    const source = await templateSource(name, options);
    const { planTemplate } = await import('../../plan-file/template.ts');
    process.stdout.write(planTemplate(source, env));
    if (source.configuration)
      note('Look at its inputs, outputs and tags, then register it: knit plan apply FILE');
  });

/** Where the image's configuration comes from: nowhere, an archive of the image, or the container engine. */
async function templateSource(
  name: string | undefined,
  { scratch = false, input }: TemplateOptions,
): Promise<TemplateSource> {
  if (scratch) {
    if (input !== undefined)
      throw new UsageError('--scratch looks at no image: leave out --input, or --scratch');
    return name === undefined ? {} : { image: name };
  }
  if (name !== undefined && input === undefined && !isPiped()) {
    if (existsSync(name)) throw new UsageError(`${name} is a file: knit plan template --input ${name}`);
    const { engineImage } = await import('@knitfab/server');
    return { image: name, configuration: await engineImage(name) };
  }
  const { readImageArchive } = await import('../../image-archive/read-image-archive.ts');
  return await readImageArchive(input ?? '-', name);
}

/** Whether stdin brings something: it is neither a terminal nor /dev/null. */
const isPiped = (): boolean => !fstatSync(0).isCharacterDevice();
