import { styleText } from 'node:util';

const startedAt = performance.now();

/** Seconds since a moment of `performance.now()`, by default since the demo's start. */
export const seconds = (since = startedAt): string => `${((performance.now() - since) / 1000).toFixed(1)} s`;

export const say = (text: string): void => console.log(text);

export const chapter = (title: string): void =>
  say(`\n${styleText('bold', title)}  ${styleText('dim', seconds())}`);

export const showCommand = (...words: string[]): void => say(styleText('cyan', `  $ ${words.join(' ')}`));

export const indented = (text: string): string => text.trimEnd().replace(/^/gm, '    ');

export const percent = (share: number): string => `${(share * 100).toFixed(1)} %`;

/** Ids begin with the time; it is their ends that tell those of one moment apart. */
export const shortId = (id: string): string => `…${id.slice(-8)}`;
